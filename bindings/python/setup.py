# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds the wheel; with LIBNETNS_BUNDLE=PATH-OF-libnetns.so.1, one that contains the library, which is for this
machine's platform or for LIBNETNS_PLATFORM."""

import os
import shutil

from setuptools import Distribution, setup
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

    def get_tag(self):
        platform = (BUNDLE and os.environ.get("LIBNETNS_PLATFORM")) or super().get_tag()[2]
        return "py3", "none", platform


class PlatformDistribution(Distribution):
    def has_ext_modules(self):
        """Whether it is installed among what is for one platform."""
        return bool(BUNDLE)


setup(distclass=PlatformDistribution, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
