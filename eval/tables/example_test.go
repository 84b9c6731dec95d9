package tables_test

import (
	"os"

	"longtail/eval/paper"
	"longtail/eval/tables"
)

// The first column of the paper's Table 2, without runs of one's own: CIFAR-10 at imbalance factor 200.
func ExampleCompareAll() {
	g, err := paper.Lookup("table2")
	if err != nil {
		panic(err)
	}
	g.Columns = g.Columns[:1]
	for i := range g.Rows {
		g.Rows[i].Cells = g.Rows[i].Cells[:1]
	}
	if err := tables.PrintComparisons(os.Stdout, tables.CompareAll(g, nil, tables.Options{}), tables.CSV, 0); err != nil {
		panic(err)
	}
	// Output:
	// table,dataset,imbalance,row,paper,ours,deviation,seeds,difference,paper_best,ours_best,paper_model,ours_model,held_out,candidates,deviations_from_protocol,command,metric
	// table2,cifar10,200,softmax,34.32,,,0,,false,false,,,,0,,,error
	// table2,cifar10,200,sigmoid,34.51,,,0,,false,false,,,,0,,,error
	// table2,cifar10,200,focal γ=0.5,36.00,,,0,,false,false,,,,0,,,error
	// table2,cifar10,200,focal γ=1,34.71,,,0,,false,false,,,,0,,,error
	// table2,cifar10,200,focal γ=2,35.12,,,0,,false,false,,,,0,,,error
	// table2,cifar10,200,"CB, best on test",31.11,,,0,,true,false,CB softmax β=0.9999,,,0,,,error
	// table2,cifar10,200,"CB, best on held-out",,,,0,,false,false,,,,0,,,error
}
