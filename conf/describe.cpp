#include "conf/describe.hpp"

namespace tidegate::conf {

void describe(Fields& fields, Config& config) {
  describe_listeners(fields, config);
  describe_routes(fields, config);
  describe_upstreams(fields, config);
  describe_process(fields, config);
}

void describe_switch(Fields& fields, const Key& key, bool& enabled,
                     const std::function<void(Fields&)>& members) {
  Shapes shapes;
  shapes.words = {"off", "on"};
  shapes.take_word = [&enabled](std::size_t word) { enabled = word == 1; };
  shapes.take_object = [&enabled, &members](Fields& inner) {
    enabled = true;
    members(inner);
  };
  fields.shaped(key, shapes, enabled ? "on" : "off");
}

}  // namespace tidegate::conf
