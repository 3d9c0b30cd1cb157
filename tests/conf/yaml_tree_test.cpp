#include "conf/yaml_tree.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::conf;

namespace {

YamlTree parse(std::string_view text, FaultList& faults) {
  return YamlTree::parse(text, faults);
}

}  // namespace

TEST_CASE("values know their places and whether they were quoted") {
  FaultList faults("t.yaml");
  const YamlTree tree = parse("a: 1\nb:\n  - x\n  - \"y\"\n", faults);
  REQUIRE(faults.errors().empty());
  const YamlValue* quoted = tree.locate("b[1]");
  REQUIRE(quoted != nullptr);
  CHECK(quoted->text == "y");
  CHECK(quoted->quoted);
  CHECK(quoted->line == 4);
  CHECK(quoted->column == 5);
  CHECK(tree.locate("a")->quoted == false);
  CHECK(tree.locate("b[2]") == nullptr);
  CHECK(tree.locate("c") == nullptr);
  CHECK(tree.locate("") == tree.root());
}

TEST_CASE("paths find keys with dots in them") {
  FaultList faults("t.yaml");
  const YamlTree tree = parse("u: {a: {x: 1}, a.b: {x: 2}}\n", faults);
  REQUIRE(tree.locate("u.a.b.x") != nullptr);
  CHECK(tree.locate("u.a.b.x")->text == "2");
  CHECK(tree.locate("u.a.x")->text == "1");
}

TEST_CASE("equal keys are reported where the second stands") {
  FaultList faults("t.yaml");
  const YamlTree tree = parse("a:\n  - k: 1\n    j: 2\n    k: 3\n", faults);
  REQUIRE(faults.errors().size() == 1);
  CHECK(faults.errors()[0].text() ==
        "t.yaml:4:5: a[0].k: this key is here twice, first in line 2; keep one of the two");
  CHECK(tree.locate("a[0].k")->text == "1");
}

TEST_CASE("aliases stand for their anchors") {
  FaultList faults("t.yaml");
  const YamlTree tree = parse("a: &x {k: 1}\nb: *x\n", faults);
  REQUIRE(faults.errors().empty());
  CHECK(tree.locate("b.k")->text == "1");
}

TEST_CASE("what is no value is nothing") {
  FaultList faults("t.yaml");
  const YamlTree tree = parse("a:\nb: ~\nc: null\nd: \"\"\n", faults);
  CHECK(tree.locate("a")->kind == YamlValue::Kind::null);
  CHECK(tree.locate("b")->kind == YamlValue::Kind::null);
  CHECK(tree.locate("c")->kind == YamlValue::Kind::null);
  CHECK(tree.locate("d")->kind == YamlValue::Kind::scalar);
}
