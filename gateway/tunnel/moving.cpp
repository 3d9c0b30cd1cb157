#include "gateway/tunnel/moving.hpp"

#include "gateway/handover/archive.hpp"
#include "gateway/process/worker.hpp"
#include "gateway/tunnel/tunnel.hpp"

namespace tidegate::gateway {
namespace {

std::vector<HeldPlace> held_by(const LimitPlaces* places) {
  std::vector<HeldPlace> held;
  if (places == nullptr) return held;
  for (const auto& place : *places) {
    held.push_back(
        {place.table().settings().name, place.client(), place.taken().connection, place.taken().websocket});
  }
  return held;
}

}  // namespace

// TLS keeps its keys and half-read records in this process.
bool Tunnel::can_move() const {
  return !stays_ && !is_ending() && client_.stream->tls() == nullptr && pod_.stream->tls() == nullptr;
}

FrozenTunnel Tunnel::freeze() {
  frozen_ = true;
  disarm();
  client_.stream->pause();
  pod_.stream->pause();
  Packer facts;
  TunnelFacts told{place_.endpoint()->address_text(), policy_ != nullptr, held_by(places_.get()),
                   record_.record()};
  facts(told);
  Packer state;
  carry(state);
  return {this, client_.stream->descriptor(), pod_.stream->descriptor(), facts.take(), state.take()};
}

void Tunnel::thaw() {
  frozen_ = false;
  for (auto* side : {&client_, &pod_}) {
    if (!side->stream->resume()) continue;
    side->deaf = true;  // no memory to watch it any more: as good as lost
    side->ended = true;
  }
  turn();
}

void Tunnel::stay() {
  stays_ = true;
  thaw();
}

void Tunnel::let_go() {
  moved_ = true;
  retire();
}

bool Tunnel::take_over(std::string_view packed) {
  Unpacker state(packed);
  carry(state);
  if (!state.is_done()) return false;
  for (auto* side : {&client_, &pod_}) {
    worker_.counters().tunnel_buffer_bytes.add(static_cast<std::int64_t>(side->unsent.capacity()));
    side->stream->reader = side->stream->writer = this;
  }
  turn();
  return true;
}

// What leaving and ending need is not among it: a tunnel that does so stays where it is.
template <class Archive>
void Tunnel::carry(Archive& archive) {
  archive(opened_, expires_, active_, closed_first_, gateway_close_code_, truncated_);
  for (auto* side : {&client_, &pod_}) {
    archive(side->scanner, side->bytes, side->stalled, side->ended, side->finished, side->deaf, side->muted,
            side->told, side->ping_wanted);
    if constexpr (Archive::reads) {
      std::string_view unsent;
      archive(unsent);
      if (!unsent.empty()) side->unsent.append(unsent);
    } else {
      archive(side->unsent.text());
    }
  }
  bool cared_for = care_ != nullptr;
  archive(cared_for);
  Care unused(opened_);
  if (cared_for) archive(care_ ? *care_ : unused);
}

}  // namespace tidegate::gateway
