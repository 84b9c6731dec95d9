// Package train turns a config into a trained network: it builds the programs from the graph, runs the loop and keeps the run's
// folder, so that a run that was interrupted, killed or moved continues as if nothing had happened.
//
// [Loop] is the paper's algorithm, and [Run] is all of it for one run folder: load the data, [Build] the programs, open them on
// a device, resume from the last checkpoint, loop. What happens besides the algorithm (files, progress) is done by observers of
// the loop's events.
package train
