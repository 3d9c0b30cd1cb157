// The PROXY protocol's header. The verdict does not depend on how the bytes arrive nor on what follows the
// header, nothing is read beyond what came, and addresses that are accepted are the same when they are
// written in either version and read again.
#include "wire/net/proxy_header.hpp"

#include <vector>

#include "tests/fuzz/target.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;
using net::ProxyHeaderProgress;

namespace {

struct Outcome {
  ProxyHeaderProgress progress = ProxyHeaderProgress::partial;
  net::ProxyHeaderError error = net::ProxyHeaderError::none;
  net::ProxyHeader header;
};

Outcome parse(std::string_view bytes) {
  // A copy of the exact size: the sanitizer sees a read behind it.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  Outcome outcome;
  outcome.progress = net::parse_proxy_header({exact.data(), exact.size()}, outcome.header, outcome.error);
  return outcome;
}

// The first verdict that is reached when the bytes come in pieces.
Outcome parse_in(std::size_t piece, std::string_view bytes) {
  for (std::size_t size = piece; size < bytes.size(); size += piece) {
    auto outcome = parse(bytes.substr(0, size));
    if (outcome.progress != ProxyHeaderProgress::partial) return outcome;
  }
  return parse(bytes);
}

std::string text_of(const std::optional<net::SocketAddress>& address) {
  return address ? address->text() : "none";
}

bool equal(const Outcome& a, const Outcome& b) {
  if (a.progress != b.progress || a.error != b.error) return false;
  if (a.progress != ProxyHeaderProgress::complete) return true;
  return a.header.size == b.header.size && text_of(a.header.source) == text_of(b.header.source) &&
         text_of(a.header.destination) == text_of(b.header.destination);
}

bool is_inet(const net::SocketAddress& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

// An IPv4-mapped address is the IPv4 address.
bool is_same_end(const net::SocketAddress& a, const net::SocketAddress& b) {
  return a.host() == b.host() && a.port() == b.port();
}

void check_written(const net::ProxyHeader& header, net::ProxyVersion version) {
  std::string written;
  net::append_proxy_header(written, version, *header.source, *header.destination);
  const auto again = parse(written);
  require(again.progress == ProxyHeaderProgress::complete && again.header.size == written.size(),
          "what is written is one header");
  if (!is_inet(*header.source)) {
    require(!again.header.source, "a Unix socket has no address to write");
    return;
  }
  require(again.header.source && is_same_end(*again.header.source, *header.source), "the same source");
  require(again.header.destination && is_same_end(*again.header.destination, *header.destination),
          "the same destination");
}

void check_accepted(const net::ProxyHeader& header, std::string_view input) {
  require(header.size > 0 && header.size <= input.size() && header.size <= net::kLongestProxyHeader,
          "a header lies within the input and its bound");
  const auto alone = parse(input.substr(0, header.size));
  require(equal(alone, parse(input)), "what follows changes nothing");
  require(parse(input.substr(0, header.size - 1)).progress == ProxyHeaderProgress::partial,
          "nothing is believed before the whole header is there");
  require(header.source.has_value() == header.destination.has_value(), "both ends or none");
  if (!header.source) return;
  check_written(header, net::ProxyVersion::v1);
  check_written(header, net::ProxyVersion::v2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  const auto whole = parse(input);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, input.size() / 3 + 1})
    require(equal(parse_in(piece, input), whole), "a split changes the verdict");
  require((whole.error == net::ProxyHeaderError::none) == (whole.progress != ProxyHeaderProgress::failed),
          "a refusal has its reason");
  require(whole.progress != ProxyHeaderProgress::partial || input.size() < net::kLongestProxyHeader,
          "no more is waited for than the bound");
  if (whole.progress == ProxyHeaderProgress::complete) check_accepted(whole.header, input);
  return 0;
}
