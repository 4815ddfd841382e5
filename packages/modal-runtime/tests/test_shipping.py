"""Shipping: what a container needs is named, and plugins are found there without their metadata."""

import subprocess
import sys
import sysconfig

from vecmill_modal_runtime.shipping import cargo


def test_every_active_plugin_is_shipped_with_what_it_requires():
    """Code of ours is copied, code of others is installed at the version that is here."""
    content = cargo()
    assert {"vecmill", "vecmill_modal_runtime", "vecmill_local_runtime"} <= content.folders.keys()
    assert content.plugins["local-runtime"] == "vecmill_local_runtime.plugin"
    assert any(line.startswith("pyarrow==") for line in content.requirements)
    assert any(line.startswith("openvino==") for line in content.requirements)
    assert not any(line.startswith("vecmill") for line in content.requirements)


def test_plugins_are_found_where_no_metadata_is(tmp_path):
    """A plugin of the user's own, one file without a distribution, is loaded by the variable alone."""
    (tmp_path / "mine.py").write_text(
        "from vecmill import Chunker, Options, Span, hookimpl\n"
        "class Whole(Chunker[Options]):\n"
        "    name = 'whole'\n"
        "    def spans(self, document):\n"
        "        return [Span(0, len(document.text))]\n"
        "@hookimpl\n"
        "def vecmill_register_chunkers(register):\n"
        "    register(Whole)\n"
    )
    content = cargo()
    path = [str(tmp_path), *(str(folder.parent) for folder in content.folders.values())]
    variables = {
        "PYTHONPATH": ":".join([*path, sysconfig.get_path("purelib")]),
        "VECMILL_PLUGINS": f"mine=mine,{content.variables['VECMILL_PLUGINS']}",
    }
    code = "from vecmill.plugins import load; p = load(); print(p.registry.get('chunker', 'whole'), p.problems)"
    done = subprocess.run([sys.executable, "-S", "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert "mine.Whole" in done.stdout
    assert "{}" in done.stdout
