// A configuration of anybody's: it is read or refused with faults that say where and why, and never more of
// them than their bound.
#include <variant>

#include "conf/yaml_reader.hpp"
#include "tests/fuzz/target.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto result = conf::read_yaml(text_of(data, size), "f.yaml");
  if (const auto* errors = std::get_if<conf::ConfigErrors>(&result)) {
    require(!errors->empty() && errors->size() <= conf::FaultList::most + 1, "a refusal has its faults");
    for (const auto& error : *errors) require(!error.message.empty(), "each fault says why");
    return 0;
  }
  const auto& config = std::get<conf::Config>(result);
  require(!config.listeners.empty(), "a valid configuration listens somewhere");
  return 0;
}
