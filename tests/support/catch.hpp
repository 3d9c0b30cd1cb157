// Catch2 under one name: v2 (Debian 12) has one header, v3 several.
#pragma once

#ifdef TIDEGATE_CATCH_V3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
