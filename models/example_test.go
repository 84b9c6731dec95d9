package models_test

import (
	"fmt"

	"longtail/internal/ops"
	"longtail/models"

	G "gorgonia.org/gorgonia"
)

// ResNet-32 for 10 classes on a batch of 128 images.
func ExampleBuild() {
	images := G.NewTensor(G.NewGraph(), G.Float32, 4, G.WithShape(128, 3, 32, 32), G.WithName("image"))
	net, err := models.Build(images, models.Config{Name: "resnet32", Classes: 10, Shortcut: "avgpool", Init: "glorot"}, ops.Head{}, true)
	if err != nil {
		panic(err)
	}
	fmt.Println("logits", net.Logits.Shape())
	fmt.Println(net.Parameters(), "trainable values in", len(net.Params), "tensors, first", net.Params[0].Name, net.Params[0].Node.Shape())
	fmt.Println(len(net.Stats), "batch norms, first", net.Stats[0].Running)
	// Output:
	// logits (128, 10)
	// 464154 trainable values in 95 tensors, first stem.conv (16, 3, 3, 3)
	// 31 batch norms, first stem.moments
}
