// What an API server's refusal means and what to do about it, as sentences. Pure.
#pragma once

#include <string>

#include "upstream/discovery/kubernetes/api_access.hpp"

namespace tidegate::upstream {

struct ApiRefusal {
  int status = 0;  // of the answer; not 200
  bool watching = false;
  std::string name_space;  // whose slices were asked for
  std::string message;     // of the server, may be empty
};

[[nodiscard]] std::string describe(const ApiRefusal& refusal, const ApiAccess& access);

}  // namespace tidegate::upstream
