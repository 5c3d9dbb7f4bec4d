"""Makes the format `toy` known in processes that a test starts: Python imports this where `PYTHONPATH` says so."""

from tests.toy import reader

reader.make_known()
