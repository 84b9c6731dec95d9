// Package paper holds the numbers of the paper that this project reproduces, so that every table and figure can put them
// beside one's own: Cui, Jia, Lin, Song and Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.
//
// The CSV files beside this one are embedded unchanged. They were read from the paper: table2.csv and table3.csv from its
// Tables 2 and 3 (top-1 error in per cent), figure8_cifar10.csv, figure9_cifar20.csv and figure10_cifar100.csv from the heat
// maps of its Figures 8 to 10 (error in per cent of 25 models at 5 imbalance factors). In the figures SM is softmax, SGM
// sigmoid, then Focal_gamma; a last number is beta, and a model without one is not class-balanced.
//
// gallery.csv and ldam.csv have numbers that others published since: see [Gallery].
//
// Errors are kept as the text of the file beside the number, so that they print exactly as published.
package paper
