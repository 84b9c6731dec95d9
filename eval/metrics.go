package eval

import "longtail/data"

// Bounds of the three shots by training images a class, as in the literature on long tails (Liu et al. 2019, "Large-scale
// long-tailed recognition in an open world").
const (
	ManyAbove = 100 // a class with more is "many"
	FewBelow  = 20  // a class with fewer is "few"; the rest is "medium"
)

// Part is a set of classes and how well they are recognised.
type Part struct {
	Name     string  `json:"name"`
	Classes  int     `json:"classes"`
	Images   int     `json:"images"`   // training images of these classes
	Accuracy float64 `json:"accuracy"` // mean of the classes' accuracies, in [0, 1]; 0 without classes
}

// Shots splits the classes by their training images into many, medium and few. counts and perClass are [C]; perClass is the
// accuracy of each class in [0, 1]. All three parts are there, perhaps with no classes.
func Shots(counts []int, perClass []float64) []Part {
	return split(counts, perClass, []string{"many", "medium", "few"}, func(class, rank int) int {
		switch n := counts[class]; {
		case n > ManyAbove:
			return 0
		case n >= FewBelow:
			return 1
		default:
			return 2
		}
	})
}

// Thirds splits the classes by the rank of their training images into head, middle and tail. Head and tail are floor(C/3)
// classes each and the middle has the rest: 3, 4 and 3 of 10 classes, 33, 34 and 33 of 100.
func Thirds(counts []int, perClass []float64) []Part {
	third := len(counts) / 3
	return split(counts, perClass, []string{"head", "middle", "tail"}, func(class, rank int) int {
		switch {
		case rank < third:
			return 0
		case rank < len(counts)-third:
			return 1
		default:
			return 2
		}
	})
}

func split(counts []int, perClass []float64, names []string, part func(class, rank int) int) []Part {
	parts := make([]Part, len(names))
	for i, n := range names {
		parts[i].Name = n
	}
	for rank, class := range data.ByFrequency(counts) {
		p := &parts[part(class, rank)]
		p.Classes++
		p.Images += counts[class]
		if class < len(perClass) {
			p.Accuracy += perClass[class]
		}
	}
	for i := range parts {
		parts[i].Accuracy /= max(1, float64(parts[i].Classes))
	}
	return parts
}

// PerClass is the accuracy (recall) of each class [C] from a confusion matrix [C][C] whose rows are the true classes; 0 for
// a class without samples.
func PerClass(confusion [][]int64) []float64 {
	recall := make([]float64, len(confusion))
	for c, row := range confusion {
		var total int64
		for _, n := range row {
			total += n
		}
		if total > 0 {
			recall[c] = float64(row[c]) / float64(total)
		}
	}
	return recall
}
