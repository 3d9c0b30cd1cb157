// The TLS contexts in use with what they were built from: what is the same is not built anew.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "gateway/process/tls_contexts.hpp"
#include "wire/net/file_stamp.hpp"

namespace tidegate::gateway {

// A value; empty at first.
struct TlsBuild {
  std::shared_ptr<const conf::Config> config;
  std::shared_ptr<const TlsContexts> contexts;
  net::FileStamps stamps;  // of all files, from before they were read
};

// Every file that a configuration's TLS contexts are built from.
[[nodiscard]] std::vector<std::string> tls_files(const conf::Config& config);

// The object that was built from equal settings and files that are unchanged since, so that session tickets
// go on to open and staples need not be fetched again; null if there is none. `now` has the stamps of the
// files.
[[nodiscard]] std::shared_ptr<const net::TlsServer> find_same(const TlsBuild& before,
                                                              const conf::ServerTls& settings,
                                                              const net::FileStamps& now);
[[nodiscard]] std::shared_ptr<const net::TlsClient> find_same(const TlsBuild& before,
                                                              const conf::UpstreamTls& settings,
                                                              const net::FileStamps& now);

}  // namespace tidegate::gateway
