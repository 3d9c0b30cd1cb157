#include "gateway/exchange/exchange.hpp"

namespace tidegate::gateway {

void Exchange::clear() {
  request.fields.clear();
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
  host.clear();
  path.clear();
  view.reset();
  route = nullptr;
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
  scratch.clear();
  met.clear();
}

}  // namespace tidegate::gateway
