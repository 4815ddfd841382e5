"""Records of tasks: an account is the sum of its shards'."""

from vecmill.records import Account


def test_accounts_add_up_key_by_key():
    """The account of two shards is the sum of theirs."""
    both = Account(documents_in=3, documents_embedded=2, documents_quarantined=1, chunks=9) + Account(
        documents_in=1, documents_embedded=1, tokens=5
    )
    assert both == Account(documents_in=4, documents_embedded=3, documents_quarantined=1, chunks=9, tokens=5)


def test_an_account_balances_only_if_no_document_is_missing():
    """In = embedded + quarantined."""
    assert Account(documents_in=3, documents_embedded=2, documents_quarantined=1).balanced
    assert not Account(documents_in=3, documents_embedded=2).balanced
