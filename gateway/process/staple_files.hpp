// Fetched OCSP responses on disk, so that clients get them at once after a restart, while their responder is
// down too.
#pragma once

#include <optional>
#include <string>

#include "wire/net/ocsp.hpp"

namespace tidegate::gateway {

// One file for each question, `ocsp-HASH.der`. All functions block on the file system for a moment: for the
// control thread.
class StapleFiles {
 public:
  // Removes files that nobody has renewed for a quarter of a year: their certificates are gone. Of an empty
  // `folder` nothing is kept.
  explicit StapleFiles(std::string folder);

  [[nodiscard]] bool enabled() const { return !folder_.empty(); }
  // What was kept of the answers to `inquiry`, judged like one that has just come; nothing if there is none
  // that is good at `now`, or one whose end the CA has not set.
  [[nodiscard]] std::optional<net::OcspResponse> read(const net::OcspInquiry& inquiry,
                                                      net::WallTime now) const;
  // Puts a verified response in the place of the one before. Why that failed; empty: it has not.
  [[nodiscard]] std::string write(const net::OcspInquiry& inquiry, const net::OcspResponse& response) const;

 private:
  [[nodiscard]] std::string path_of(const net::OcspInquiry& inquiry) const;

  const std::string folder_;
};

}  // namespace tidegate::gateway
