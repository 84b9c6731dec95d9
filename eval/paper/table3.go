package paper

import (
	"fmt"
	"strings"
)

// networks are how the paper writes the networks of its Table 3.
var networks = map[string]string{"resnet50": "ResNet-50", "resnet101": "ResNet-101", "resnet152": "ResNet-152"}

// table3 makes a gallery of the paper's Table 3, which has a row for each network, loss and size of the input, and the data sets as they are. A
// label ends in the size where it is not 224.
func (g *Gallery) table3(records [][]string) error {
	const first = 5 // columns that describe the row
	for _, heading := range records[0][first:] {
		set, _, ok := strings.Cut(heading, "_top1_error")
		if !ok {
			return fmt.Errorf("column %q is no error rate", heading)
		}
		g.Columns = append(g.Columns, Column{Dataset: set})
	}
	for _, r := range records[1:] {
		network, ok := networks[r[0]]
		if !ok {
			return fmt.Errorf("there is no network %q", r[0])
		}
		label := network + " softmax"
		if r[1] == "cb-focal" {
			label = network + " class-balanced focal"
		}
		if r[4] != "224" {
			label += " at " + r[4]
		}
		cells, err := parseCells(r[first:])
		if err != nil {
			return err
		}
		g.Rows = append(g.Rows, GalleryRow{label, cells})
	}
	return nil
}
