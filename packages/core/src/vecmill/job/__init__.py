"""The job: from a job file to a finished, published dataset. Import ``Job`` and ``run`` from ``vecmill``."""
