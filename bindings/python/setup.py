# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds the wheel; with LIBNETNS_BUNDLE=PATH-OF-libnetns.so.1, one that contains the library."""

import os
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1
    from wheel.bdist_wheel import bdist_wheel

BUNDLE = os.environ.get("LIBNETNS_BUNDLE")


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        target = os.path.join(self.build_lib, "libnetns", "libnetns.so.1")
        if BUNDLE:
            shutil.copyfile(BUNDLE, target)
        elif os.path.exists(target):
            # Left by an earlier build with the library.
            os.remove(target)


class PlatformWheel(bdist_wheel):
    """A wheel that contains the library is for one platform, but for every Python version."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = not BUNDLE

    def get_tag(self):
        platform = super().get_tag()[2]
        return "py3", "none", platform


setup(cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
