// The measurements. Each prints its table and throws std::runtime_error where its set-up does not work.
#pragma once

#include "tests/bench/options.hpp"

namespace tidegate::bench {

// User memory of the hop per idle WebSocket tunnel.
void measure_idle(const Options& options);
// What is left in the gateway after clients have gone without a word.
void measure_vanish(const Options& options);
// `--half-open`: the same after clients, and then pods, have gone without FIN or RST. In a network of its
// own; throws Missing where there can be none.
void measure_half_open(const Options& options);
// Processor time of the hop per keep-alive request.
void measure_http(const Options& options);
// Processor time of the hop per WebSocket message there and back.
void measure_messages(const Options& options);
// Processor time of the gateway for following frames, beside passing bytes.
void measure_frames(const Options& options);
// Processor time of the hop per WebSocket handshake, from connect to close.
void measure_handshakes(const Options& options);

// What thousands of endpoints in one upstream cost, and their changes.
void measure_discovery(const Options& options);

// How long good clients wait for their answers, alone and beside many slow ones.
void measure_slow(const Options& options);

}  // namespace tidegate::bench
