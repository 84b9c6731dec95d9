// Package adding holds one example of each thing that can be added to longtail in a file of its own: a loss, a model, a data
// set, a sampler, a backend, a launcher. docs/adding.md explains them step by step, and the tests of this package train with
// all of them at once: nothing elsewhere names them. Only tests import it.
package adding
