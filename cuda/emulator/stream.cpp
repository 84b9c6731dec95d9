// Streams, events, capture and graphs. Work is done at once, in the order of the calls; only bytes on their way to the host wait for
// the host to wait for them. A captured stream collects work, a graph does it.
#include "driver.h"
#include <algorithm>
#include <chrono>
#include <set>

using namespace emulator;

std::recursive_mutex emulator::lock;
int emulator::captures = 0;
emulatorCounters_t emulator::counters = {};
static std::set<CUstream> streams;
static Clock host; // what the host has waited for

size_t CUgraph_st::branch(CUstream s) const { return size_t(std::find(streams.begin(), streams.end(), s) - streams.begin()); }

static CUresult mistake(CUresult code, const char *text) { return complain(code, text); }

CUresult emulator::submit(CUstream stream, Action action) {
	GUARD;
	if (stream == (CUstream)1 || stream == (CUstream)2) stream = nullptr; // the legacy and the thread's default stream
	if (!stream) {
		REQUIRE(!captures, mistake(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "work on the null stream while another is captured"));
		begin_work(0, host, "work on the null stream");
		return action(nullptr);
	}
	REQUIRE(streams.count(stream), mistake(CUDA_ERROR_INVALID_HANDLE, "work on a stream that does not exist"));
	if (!stream->capture) {
		join(stream->clock, host);
		begin_work(stream->lane, stream->clock, "work");
		return action(stream);
	}
	CUgraph_st &g = *stream->capture;
	if (stream != g.streams[0] && !std::count(g.unjoined.begin(), g.unjoined.end(), stream)) g.unjoined.push_back(stream);
	size_t branch = g.branch(stream);
	Clock &clock = g.clocks[branch];
	if (clock.size() <= branch) clock.resize(branch + 1);
	clock[branch]++;
	g.nodes.push_back({std::move(action), (uint32_t)branch, clock});
	return CUDA_SUCCESS;
}

CUresult emulator::synchronous(const std::function<CUresult()> &action) {
	GUARD;
	REQUIRE(!captures, mistake(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "a synchronous call while a stream is captured"));
	begin_work(0, host, "work of the host");
	return action();
}

uint64_t emulator::hash_of(const void *from, size_t n) {
	const unsigned char *bytes = (const unsigned char *)from;
	uint64_t hash = n, word;
	for (; n; n -= std::min(n, sizeof word), bytes += sizeof word) {
		word = 0;
		memcpy(&word, bytes, std::min(n, sizeof word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash;
}
bool emulator::is_read(const void *from, size_t n) {
	for (CUstream s : streams)
		for (Reading &r : s->readings)
			if ((const char *)r.from < (const char *)from + n && (const char *)from < (const char *)r.from + r.size) return true;
	return false;
}

// The host has waited for what the clock says: bytes of that work arrive, and what it read must be as it was.
static CUresult waited(const Clock &clock) {
	join(host, clock);
	bool kept = true;
	for (CUstream s : streams) {
		uint32_t time = s->lane < host.size() ? host[s->lane] : 0;
		for (Delivery &d : s->deliveries)
			if (d.time <= time) memcpy(d.to, d.bytes.data(), d.bytes.size());
		for (Reading &r : s->readings)
			if (r.time <= time) kept = kept && hash_of(r.from, r.size) == r.hash;
		std::erase_if(s->deliveries, [=](Delivery &d) { return d.time <= time; });
		std::erase_if(s->readings, [=](Reading &r) { return r.time <= time; });
	}
	return kept ? CUDA_SUCCESS : mistake(CUDA_ERROR_LAUNCH_FAILED, "pinned memory was overwritten before the host waited for the copy that reads it");
}

CUresult cuStreamCreate(CUstream *s, unsigned) {
	GUARD;
	streams.insert(*s = new CUstream_st);
	(*s)->lane = new_lane();
	return CUDA_SUCCESS;
}
CUresult cuStreamDestroy(CUstream s) {
	GUARD;
	REQUIRE(streams.erase(s), mistake(CUDA_ERROR_INVALID_HANDLE, "destroys a stream that does not exist"));
	for (Delivery &d : s->deliveries) memcpy(d.to, d.bytes.data(), d.bytes.size());
	REQUIRE(s->readings.empty(), (delete s, mistake(CUDA_ERROR_INVALID_VALUE, "destroys a stream whose copies of pinned memory the host did not wait for")));
	delete s;
	return CUDA_SUCCESS;
}
CUresult cuStreamSynchronize(CUstream s) {
	GUARD;
	if (!s) return CUDA_SUCCESS;
	REQUIRE(streams.count(s), mistake(CUDA_ERROR_INVALID_HANDLE, "waits for a stream that does not exist"));
	REQUIRE(!s->capture, mistake(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "a captured stream is synchronised"));
	return waited(s->clock);
}
CUresult cuStreamQuery(CUstream s) { return cuStreamSynchronize(s); }
CUresult cuCtxSynchronize() {
	return synchronous([] {
		Clock all;
		for (CUstream s : streams) join(all, s->clock);
		return waited(all);
	});
}
// Waiting for a captured event draws the stream into the capture, or brings the event's stream back into this one.
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned) {
	GUARD;
	REQUIRE(!s || streams.count(s), mistake(CUDA_ERROR_INVALID_HANDLE, "a stream that does not exist waits for an event"));
	if (!s) return CUDA_SUCCESS;
	if (!e->capture) {
		join(s->clock, e->clock);
		return CUDA_SUCCESS;
	}
	REQUIRE(!s->capture || s->capture == e->capture, mistake(CUDA_ERROR_STREAM_CAPTURE_MERGE, "two captures are joined"));
	if (!s->capture) {
		(s->capture = e->capture)->streams.push_back(s);
		s->capture->clocks.emplace_back();
	}
	join(s->capture->clocks[s->capture->branch(s)], e->clock);
	std::erase(e->capture->unjoined, e->stream);
	return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent *e, unsigned) {
	*e = new CUevent_st;
	return CUDA_SUCCESS;
}
CUresult cuEventDestroy(CUevent e) {
	delete e;
	return CUDA_SUCCESS;
}
CUresult cuEventRecord(CUevent e, CUstream s) {
	GUARD;
	e->stream = s;
	e->capture = s ? s->capture : nullptr;
	e->clock = e->capture ? e->capture->clocks[e->capture->branch(s)] : s ? s->clock : host;
	if (!e->capture) e->milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
	return CUDA_SUCCESS;
}
CUresult cuEventSynchronize(CUevent e) {
	GUARD;
	REQUIRE(!e->capture, mistake(CUDA_ERROR_CAPTURED_EVENT, "the host waits for an event of a capture"));
	return waited(e->clock);
}
CUresult cuEventQuery(CUevent e) { return cuEventSynchronize(e); }
CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to) {
	REQUIRE(from->milliseconds >= 0 && to->milliseconds >= 0, mistake(CUDA_ERROR_INVALID_HANDLE, "the time between events that were not recorded"));
	*ms = (float)(to->milliseconds - from->milliseconds);
	return CUDA_SUCCESS;
}

CUresult cuStreamBeginCapture(CUstream s, CUstreamCaptureMode) {
	GUARD;
	REQUIRE(s, mistake(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the null stream cannot be captured"));
	REQUIRE(!s->capture, mistake(CUDA_ERROR_ILLEGAL_STATE, "the stream is being captured already"));
	s->capture = std::make_shared<CUgraph_st>();
	s->capture->streams = {s};
	s->capture->clocks.emplace_back();
	captures++;
	return CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) {
	GUARD;
	REQUIRE(s->capture && s->capture->streams[0] == s, mistake(CUDA_ERROR_ILLEGAL_STATE, "ends a capture that this stream did not begin"));
	auto captured = s->capture;
	for (CUstream joined : captured->streams)
		if (streams.count(joined)) joined->capture = nullptr;
	captures--;
	*g = nullptr;
	REQUIRE(captured->unjoined.empty(), mistake(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "a stream drawn into the capture was not brought back by an event"));
	*g = new CUgraph_st(*captured);
	return CUDA_SUCCESS;
}
CUresult cuStreamIsCapturing(CUstream s, CUstreamCaptureStatus *status) {
	GUARD;
	*status = s && s->capture ? CU_STREAM_CAPTURE_STATUS_ACTIVE : CU_STREAM_CAPTURE_STATUS_NONE;
	return CUDA_SUCCESS;
}
CUresult cuGraphGetNodes(CUgraph g, CUgraphNode *nodes, size_t *count) {
	REQUIRE(!nodes, mistake(CUDA_ERROR_NOT_SUPPORTED, "the nodes of a graph: the emulator only counts them"));
	*count = g->nodes.size();
	return CUDA_SUCCESS;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *e, CUgraph g, unsigned long long) {
	GUARD;
	*e = new CUgraphExec_st{g->nodes, {}, Clock(g->streams.size())};
	for (size_t i = 0; i < g->streams.size(); i++) (*e)->lanes.push_back(new_lane());
	return CUDA_SUCCESS;
}

// The lanes' clock after the graph's earlier launches and what `branches` says of this one.
static Clock on_lanes(const CUgraphExec_st &e, const Clock &branches) {
	Clock clock(*std::max_element(e.lanes.begin(), e.lanes.end()) + 1);
	for (size_t i = 0; i < branches.size(); i++)
		if (branches[i]) clock[e.lanes[i]] = e.done[i] + branches[i];
	return clock;
}

static CUresult launch_graph(CUgraphExec_st &e, CUstream on) {
	Clock start = on ? on->clock : host, all(e.lanes.size());
	CUresult code = CUDA_SUCCESS;
	for (Node &n : e.nodes) {
		Clock clock = start;
		join(clock, on_lanes(e, n.before));
		clock[e.lanes[n.branch]]--; // begin_work counts it
		begin_work(e.lanes[n.branch], clock, "work of a graph");
		join(all, n.before);
		if ((code = n.action(on))) break;
	}
	join(on ? on->clock : host, on_lanes(e, all));
	for (size_t i = 0; i < all.size(); i++) e.done[i] += all[i];
	return code;
}
CUresult cuGraphLaunch(CUgraphExec e, CUstream s) {
	return submit(s, [e](CUstream on) { return launch_graph(*e, on); });
}
CUresult cuGraphExecDestroy(CUgraphExec e) {
	delete e;
	return CUDA_SUCCESS;
}
CUresult cuGraphDestroy(CUgraph g) {
	delete g;
	return CUDA_SUCCESS;
}
