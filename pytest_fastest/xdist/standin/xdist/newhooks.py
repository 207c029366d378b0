"""The hooks of pytest-xdist."""

from pytest_fastest.xdist.hooks import (
    pytest_configure_node,
    pytest_handlecrashitem,
    pytest_testnodedown,
    pytest_testnodeready,
    pytest_xdist_auto_num_workers,
    pytest_xdist_getremotemodule,
    pytest_xdist_make_scheduler,
    pytest_xdist_newgateway,
    pytest_xdist_node_collection_finished,
    pytest_xdist_rsyncfinish,
    pytest_xdist_rsyncstart,
    pytest_xdist_setupnodes,
)

__all__ = [
    "pytest_configure_node",
    "pytest_handlecrashitem",
    "pytest_testnodedown",
    "pytest_testnodeready",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_getremotemodule",
    "pytest_xdist_make_scheduler",
    "pytest_xdist_newgateway",
    "pytest_xdist_node_collection_finished",
    "pytest_xdist_rsyncfinish",
    "pytest_xdist_rsyncstart",
    "pytest_xdist_setupnodes",
]
