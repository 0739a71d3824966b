"""Tests of the promises that Tapeless makes, one file per promise."""
