"""Records the walk anew: python -m tests.walk"""

from tests.walk.steps import STEPS
from tests.walk.walk import PATH, record

PATH.write_text(record(STEPS).dumps(), encoding="utf-8")
print(PATH.name)
