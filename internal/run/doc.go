// Package run is the folder of one training run: which files there are, how each is written so that no moment of a crash or a
// full disk damages it, and how each is read back without trusting it.
//
//	config.yaml       everything that decides the run, defaults included
//	environment.json  where and by what it was computed last
//	input.json        classes, size and scale of the images that the network looks at
//	split.json        the indices of the long-tailed subset
//	metrics.jsonl     one Epoch a line
//	timing.jsonl      one Timing a line
//	checkpoints/      safetensors: last, best, and best_validation where images are held out
//	summary.json      the Summary; written last, so that its presence means done
//	pruned.json       which checkpoints were removed from a finished run to make room, see Prune
//	failure.json      the Failure of a run that ended with an error, until it resumes
//	lock.json         who is at work, with a heartbeat, see package lease
//
// A process that writes holds the lock of the folder, and makes sure of it before each write. last.safetensors is the run's
// memory: it says how many lines of metrics.jsonl belong to it, and whatever is newer is cut off when the run resumes.
package run
