// The main function of every test program. Catch2 returns the number of failed assertions, which must not be
// taken for something else: a number of its own means "skipped" to ctest.
#ifdef TIDEGATE_CATCH_V3
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

int main(int argc, char** argv) {
  return Catch::Session().run(argc, argv) == 0 ? 0 : 1;
}
