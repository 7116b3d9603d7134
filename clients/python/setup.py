"""Marks the wheel as specific to a platform if it contains the binary."""

from pathlib import Path

from setuptools import Distribution, setup

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HAS_BINARY = (Path(__file__).parent / "gatepass" / "bin" / "gatepass").exists()


class PlatformDistribution(Distribution):
    def has_ext_modules(self):
        return HAS_BINARY


class AnyPython(bdist_wheel):
    """The binary is static, so the wheel works with every Python 3 of the platform."""

    def get_tag(self):
        _, _, platform = super().get_tag()
        return "py3", "none", platform


setup(distclass=PlatformDistribution, cmdclass={"bdist_wheel": AnyPython})
