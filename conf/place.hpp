// Where in a configuration file something stands.
#pragma once

#include <string>

namespace tidegate::conf {

// 1-based; line 0 means "no place" (a default, or a value made by code).
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  // Where a value stands is no part of what it says: a configuration whose lines moved is the same.
  friend bool operator==(const Place&, const Place&) { return true; }
};

}  // namespace tidegate::conf
