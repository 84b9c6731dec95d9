package lower

// wideBlocks is the number of blocks that sum over a batch by channel in kernels/wide.cu, for each slice of channels: part of the arithmetic.
const wideBlocks = 256

// isWide reports whether a source has more channels than the kernels with a block for all of them take.
func isWide(s Source) bool { return s.Channels > maxChannels }

// channelSlices is how many slices a block of kernels/wide.cu each takes channels are cut into.
func channelSlices(channels int) int { return CeilDiv(channels, maxChannels) }

// wideGrid is a grid of blocks by pixels, at least `pixels` each, and slices of channels.
func (l *lowering) wideGrid(s Source, most, pixels int) Dim {
	return Dim{max(1, min(most, l.p.Batch*int(s.Height*s.Width)/pixels)), channelSlices(int(s.Channels)), 1}
}

// widePointwise stores a source.
func (l *lowering) widePointwise(s Source, to Ref, why string) {
	l.launch(Launch{
		Kernel: "wide_pointwise" + l.suffix(), Module: "wide", Why: why, Grid: l.wideGrid(s, 1024, 16), Threads: 256, Arguments: PointwiseParameters{s, int32(l.p.Batch), to},
	})
}

// wideStatistics sums over a source, and stores it unless it is a tensor. Every slice of channels has parts and a ticket of its own.
func (l *lowering) wideStatistics(s Source, q Statistics, to Ref, why string) {
	grid := l.wideGrid(s, wideBlocks, 64)
	q.Parts = l.floats("parts of sums", grid.Y*PartsSize(grid.X, maxChannels))
	q.Ticket = l.manyTickets(grid.Y)
	l.launch(Launch{
		Kernel: "wide_statistics" + l.suffix(), Module: "wide", Why: why, Grid: grid, Threads: 256, Arguments: StatisticsParameters{s, q, int32(l.p.Batch), to},
	})
}

// wideAverage averages a source over its pixels.
func (l *lowering) wideAverage(a AverageParameters, why string) {
	l.launch(Launch{
		Kernel: "wide_average" + l.suffix(), Module: "wide", Why: why, Grid: Dim{l.p.Batch, channelSlices(int(a.Source.Channels)), 1}, Threads: 256,
		Arguments: WideAverageParameters{a.Source, a.To, a.Features},
	})
}

// wideDense launches a dense layer of many features.
func (l *lowering) wideDense(x Ref, d Dense, features int, why string) {
	l.launch(Launch{
		Kernel: "wide_dense", Module: "wide", Why: why, Grid: Dim{l.p.Batch, 1, 1}, Threads: 256,
		Arguments: WideDenseParameters{x, d.W, d.B, d.Y, int32(features), d.Classes},
	})
}
