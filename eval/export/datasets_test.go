package export

// The data sets that tests name.
import (
	_ "longtail/data/cifar"
	_ "longtail/data/synthetic"
)
