#!/usr/bin/env python3
"""The style checks find what they are there to find."""

import pathlib
import tempfile
import unittest

import includes
import text


class Includes(unittest.TestCase):
    def test_downward_is_allowed(self):
        for file, included in (
            ("conf/config.cpp", "conf/config.hpp"),
            ("upstream/pick.hpp", "conf/config.hpp"),
            ("upstream/connector.cpp", "wire/net/stream.hpp"),
            ("gateway/exchange/forward.cpp", "health/probe.hpp"),
            ("wire/net/stream.hpp", "wire/net/failure.hpp"),
            ("tests/conf/units_test.cpp", "tests/support/catch.hpp"),
        ):
            self.assertIsNone(includes.fault_of(file, included), f"{file} {included}")

    def test_upward_and_sideways_is_a_fault(self):
        for file, included in (
            ("conf/config.cpp", "wire/http/head.hpp"),
            ("wire/http/head.cpp", "wire/net/stream.hpp"),
            ("wire/websocket/frame_scanner.cpp", "wire/net/stream.hpp"),
            ("wire/net/stream.cpp", "conf/config.hpp"),
            ("upstream/pick.cpp", "health/probe.hpp"),
            ("health/probe.cpp", "gateway/observe/metrics.hpp"),
            ("gateway/main.cpp", "tests/support/raw_client.hpp"),
            ("gateway/main.cpp", "metrics.hpp"),
        ):
            self.assertIsNotNone(includes.fault_of(file, included), f"{file} {included}")

    def test_the_tree_is_read(self):
        with tempfile.TemporaryDirectory() as root:
            (pathlib.Path(root) / "conf").mkdir()
            (pathlib.Path(root) / "conf/a.cpp").write_text('#include <vector>\n#  include "wire/net/stream.hpp"\n')
            (fault,) = includes.faults_of(root)
            self.assertTrue(fault.startswith("conf/a.cpp:2: "), fault)


class Text(unittest.TestCase):
    def faults(self, path, content):
        return text.faults_of_text(pathlib.PurePosixPath(path), content)

    def test_length(self):
        self.assertEqual(self.faults("conf/a.cpp", "x\n" * 400), [])
        self.assertEqual(len(self.faults("conf/a.cpp", "x\n" * 401)), 1)

    def test_words(self):
        self.assertEqual(len(self.faults("conf/a.cpp", "// TO" + "DO: later\n")), 1)
        self.assertEqual(self.faults("conf/a.cpp", "a method, no hacks, mastodon\n"), [])

    def test_sleeps_only_matter_in_tests(self):
        line = "std::this_thread::sleep_" + "for(1s);\n"
        self.assertEqual(len(self.faults("tests/a_test.cpp", line)), 1)
        self.assertEqual(self.faults("examples/a.cpp", line), [])


if __name__ == "__main__":
    unittest.main()
