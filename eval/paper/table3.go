package paper

// Table3 gives the rows of table3.csv with their header first: ResNets on iNaturalist 2017, 2018 and ImageNet. This program
// trains on CIFAR only, so they are for reference.
func Table3() ([][]string, error) { return read("table3.csv") }
