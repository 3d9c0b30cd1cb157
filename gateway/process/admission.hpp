// What a listener asks of a connection before its first request.
#pragma once

#include "conf/config.hpp"
#include "gateway/process/access_list.hpp"
#include "gateway/process/networks.hpp"

namespace tidegate::gateway {

struct Admission {
  explicit Admission(const conf::Listener& listener) : access(listener.access) {
    if (!listener.proxy_protocol) return;
    has_senders = true;
    senders = Networks(listener.proxy_protocol->from);
    refuses_others = listener.proxy_protocol->others == conf::OtherPeers::refuse;
  }

  // False for a listener that takes anybody as he comes.
  [[nodiscard]] bool asks() const { return has_senders || !access.empty(); }

  AccessList access;
  bool has_senders = false;
  Networks senders;             // peers whose connections begin with a PROXY protocol header
  bool refuses_others = false;  // the connections of all others are closed
};

}  // namespace tidegate::gateway
