package main

// The backends that the program ships with: each registers itself with internal/device.
import (
	_ "longtail/cuda"
	_ "longtail/internal/cpu"
)
