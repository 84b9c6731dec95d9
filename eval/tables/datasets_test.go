package tables

// The data sets that tests name.
import (
	_ "longtail/data/cifar"
	_ "longtail/data/pack"
	_ "longtail/data/synthetic"
)
