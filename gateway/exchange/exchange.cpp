#include "gateway/exchange/exchange.hpp"

namespace tidegate::gateway {

void Exchange::clear() {
  request.fields.clear();
  // Views of a buffer that is gone: an answer to a head that never came must not look at them.
  request.method = request.target = {};
  request.version = http::Version::http_1_1;
  response.reason = {};
  response.fields.clear();
  framing = {};
  target = {};
  upgrade = http::UpgradeAsk::none;
  authority = {};
  peer_address = {};
  peer_trusted = false;
  tls = nullptr;
  hsts = {};
  client_certificate = {};
  forwarded = {};
  host.clear();
  path.clear();
  view.reset();
  route = nullptr;
  places.clear();
  response_framing = {};
  out.release();
  answer.release();
  answer_begun = false;
  rest.release();
  body_read = false;
  record = {};
  request_id.clear();
  failure_details.clear();
  forwarded_for.clear();
  client_address.clear();
  user.clear();
  scratch.clear();
  met.clear();
}

}  // namespace tidegate::gateway
