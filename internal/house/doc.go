// Package house keeps the house in order. It has no code but tests, which read the sources of the whole module.
//
// The module is a house of floors: a room, that is a package with its sub-packages, imports only rooms of lower floors.
//
//	7  cmd                 commands: parse, call, print
//	6  train, train/sweep  config, loop, checkpoints, grids of runs      eval  metrics, tables, plots, reports, pages, exports
//	5  internal/run        the run folder      internal/config   what an experiment is
//	5  internal/cpu, cuda  the backends        internal/program  networks and losses to programs
//	5  cuda/lower          programs to schedules of kernels, which cuda runs
//	4  internal/device     the contract of backends, and their registry
//	3  internal/plan       graph to ordered steps and one arena
//	4  data/mix            rules that mix images
//	3  data/cifar, data/synthetic, data/pack  what the program ships
//	2  models, loss, data, data/picture  networks, losses, images
//	1  internal/ops, internal/rng, internal/fail, internal/disk, internal/build,
//	1  internal/effective, internal/mt19937, internal/options
//
// So a loss can be read without knowing how it is trained, and a backend be replaced without touching a model. The tests also
// hold the habits that a tool can see: doc comments, short files, nothing left open, no path of one machine, randomness from
// the seeded generators alone.
package house
