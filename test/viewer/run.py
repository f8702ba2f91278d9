"""`python -I run.py test_x`: runs one file of these tests with the viewer's package on the path."""

import pathlib
import sys
import unittest
import warnings

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parents[1] / "functions" / "viewer")]
# Nothing is written beside the sources: other tests may run the same files at the same time.
sys.dont_write_bytecode = True

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(module=sys.argv[1], argv=sys.argv[1:], warnings="ignore")
