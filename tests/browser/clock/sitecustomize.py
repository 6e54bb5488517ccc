"""With this directory in PYTHONPATH every Python process lives in the hours after SCREENS_TIME, counted from SCREENS_BEGIN."""

import os
import time

import time_machine

time_machine.travel(float(os.environ["SCREENS_TIME"]) + time.time() - float(os.environ["SCREENS_BEGIN"]), tick=True).start()
