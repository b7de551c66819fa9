"""Which containers Aegis is or needs: by the kernel's information, by name, by address and by published port."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.own_containers import NeededAddress, Surroundings, find_own_containers, own_ids
from bot.domain.target import KnownTarget

ME, OUTER, OTHER = "a1" * 32, "b2" * 32, "c3" * 32
MOUNTS = "743 722 0:54 / /proc rw,nosuid - proc proc rw\n{}\n750 722 0:55 / /dev rw,nosuid - tmpfs tmpfs rw\n"
DOCKER = f"""\
721 600 0:53 / / rw,relatime master:1 - overlay overlay rw,upperdir=/docker/overlay2/{OTHER}/diff
757 721 8:1 /var/lib/docker/containers/{ME}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/sda1 rw
758 721 8:1 /var/lib/docker/containers/{ME}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw
759 721 8:1 /var/lib/docker/containers/{ME}/hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw"""
OTHER_ROOT = f"758 721 8:1 /srv/engine/data/containers/{ME}/hostname /etc/hostname rw - xfs /dev/sdb1 rw"
OWN_DISK = f"758 721 8:17 /docker/containers/{ME}/hosts /etc/hosts rw - xfs /dev/sdb1 rw"
PODMAN = f"""\
820 800 0:24 /containers/storage/overlay-containers/{ME}/userdata/resolv.conf /etc/resolv.conf rw - tmpfs tmpfs rw
821 800 0:24 /containers/storage/overlay-containers/{ME}/userdata/.containerenv /run/.containerenv rw - tmpfs tmpfs -"""
ROOTLESS = f"820 800 0:48 /containers/overlay-containers/{ME}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw,uid=1000"
ON_THE_HOST = f"""\
25 30 0:23 / /sys rw - sysfs sysfs rw
412 30 0:53 / /docker/overlay2/{OTHER}/merged rw - overlay overlay rw,upperdir=/docker/overlay2/{OTHER}/diff
413 30 0:54 / /var/lib/docker/containers/{OTHER}/mounts/shm rw - tmpfs shm rw
414 30 0:4 net:[4026532281] /run/docker/netns/3f2a rw - nsfs nsfs rw"""
MOUNTED = f"760 721 8:1 /var/lib/docker/containers/{OTHER} /logs ro - ext4 /dev/sda1 rw"


@pytest.mark.parametrize(
    ("mountinfo", "cgroup", "ids"),
    [
        pytest.param(MOUNTS.format(DOCKER), "0::/\n", {ME}, id="Docker, cgroup v2, private namespace"),
        pytest.param(MOUNTS.format(OTHER_ROOT), "0::/\n", {ME}, id="Docker, another data root"),
        pytest.param(MOUNTS.format(OWN_DISK), "0::/\n", {ME}, id="Docker, a disk of its own"),
        pytest.param("", f"12:cpuset:/docker/{ME}\n1:name=systemd:/docker/{ME}\n", {ME}, id="Docker, cgroup v1"),
        pytest.param("", f"0::/system.slice/docker-{ME}.scope\n", {ME}, id="Docker, systemd, host namespace"),
        pytest.param("", f"0::/../docker-{ME}.scope/init\n", {ME}, id="Docker, a cgroup beside its namespace"),
        pytest.param("", f"4:memory:/docker/{OUTER}/docker/{ME}\n", {OUTER, ME}, id="Docker in Docker"),
        pytest.param("", f"5:cpu:/ecs/0123/{ME}\n", {ME}, id="ECS"),
        pytest.param("", f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ME}.scope\n", {ME}, id="Kubernetes"),
        pytest.param(MOUNTS.format(PODMAN), "0::/\n", {ME}, id="Podman, root"),
        pytest.param(MOUNTS.format(ROOTLESS), "0::/\n", {ME}, id="Podman, rootless"),
        pytest.param("", f"0::/machine.slice/libpod-{ME}.scope/container\n", {ME}, id="Podman, cgroup v2"),
        pytest.param("", f"3:pids:/libpod_parent/libpod-{ME}\n", {ME}, id="Podman, cgroup v1"),
        pytest.param("", f"0::/machine.slice/libpod-conmon-{OTHER}.scope\n", set(), id="beside a container of Podman"),
        pytest.param(MOUNTS.format(ON_THE_HOST), "0::/user.slice/session-2.scope\n", set(), id="on the host"),
        pytest.param(MOUNTS.format(MOUNTED), "0::/\n", set(), id="with the folder of another mounted"),
        pytest.param("", "", set(), id="nothing readable"),
        pytest.param("broken", "broken\n::\n", set(), id="nonsense"),
        pytest.param("", f"0::/docker/{ME}ab\n0::/docker/{ME[:63]}\n", set(), id="no id of 64 digits"),
    ],
)
def test_a_process_knows_its_container_by_what_the_kernel_says(mountinfo: str, cgroup: str, ids: set[str]) -> None:
    assert own_ids(mountinfo, cgroup) == ids


AEGIS = KnownTarget("renamed", ME, addresses=("172.18.0.2",))
PROXY = KnownTarget("shop-proxy-1", OUTER, service="socket-proxy", addresses=("172.18.0.3",), gateways=("172.18.0.1",))
DB = KnownTarget("data", OTHER, addresses=("172.18.0.4", "fd00::4"), published=(("0.0.0.0", 5432), ("::", 5432)))
APP = KnownTarget("app", "d4" * 32, addresses=("172.18.0.9",), published=(("127.0.0.1", 8080),))
ALL = (AEGIS, PROXY, DB, APP)


def needs(*addresses: str, port: int = 5432, host: str = "orders") -> Surroundings:
    return Surroundings(needs=(NeededAddress(host, port, addresses),))


def test_aegis_knows_itself_whatever_its_name_and_host_name_are() -> None:
    mine = find_own_containers(ALL, ("some-host",), Surroundings(ids=frozenset({ME}), contained=True))
    assert mine.words == {"renamed", ME}
    assert mine.certain
    assert mine.unknown == ()


def test_names_services_and_short_ids_still_count() -> None:
    mine = find_own_containers(ALL, (ME[:12], "socket-proxy", "data", ""), Surroundings(contained=True))
    assert mine.words == {"renamed", ME, "shop-proxy-1", OUTER, "data", OTHER}
    assert mine.unknown == ()


@pytest.mark.parametrize(
    "around",
    [
        pytest.param(needs("172.18.0.4", host="db"), id="an alias"),
        pytest.param(needs("172.18.0.4", host="172.18.0.4"), id="its address"),
        pytest.param(needs("fd00:0:0::4"), id="its IPv6 address"),
        pytest.param(needs("10.9.9.9", "172.18.0.4"), id="one address of several"),
        pytest.param(needs("127.0.0.1", host="localhost"), id="a published port on loopback"),
        pytest.param(needs("::1"), id="a published port on loopback, IPv6"),
        pytest.param(needs("172.18.0.1", host="host.docker.internal"), id="a published port at the gateway"),
        pytest.param(
            replace(needs("10.0.0.7"), machine=frozenset({"10.0.0.7"})), id="a published port of this machine"
        ),
    ],
)
def test_the_database_is_known_by_address_and_published_port(around: Surroundings) -> None:
    mine = find_own_containers(ALL, (), around)
    assert mine.words == {"data", OTHER}
    assert mine.unknown == ()
    assert mine.protected("app") == mine.words


@pytest.mark.parametrize(
    "around",
    [
        pytest.param(needs("10.9.9.9"), id="another machine"),
        pytest.param(needs("127.0.0.1", port=5433), id="another port"),
        pytest.param(needs("172.18.0.40"), id="an address that begins alike"),
        pytest.param(needs("10.0.0.7", port=8080), id="a port that is published elsewhere"),
        pytest.param(Surroundings(), id="nothing"),
    ],
)
def test_what_is_elsewhere_makes_no_container_ours(around: Surroundings) -> None:
    assert find_own_containers(ALL, (), around).words == set()
    assert find_own_containers(ALL, (), around).certain


def test_a_port_that_is_published_at_one_address_is_reached_there_alone() -> None:
    assert find_own_containers(ALL, (), needs("127.0.0.1", port=8080)).words == {"app", "d4" * 32}
    assert find_own_containers(ALL, (), needs("172.18.0.1", port=8080)).words == set()


def test_a_host_that_cannot_be_resolved_may_be_any_container() -> None:
    mine = find_own_containers(ALL, ("data",), Surroundings(needs=(NeededAddress("db", 5432, None),)))
    assert not mine.certain
    assert mine.protected("app") is None
    assert mine.protected("data") == frozenset({"data", OTHER})
    assert mine.unknown == ("The host db cannot be resolved, so it may be any container.",)


def test_a_host_that_is_a_containers_name_need_not_be_resolved() -> None:
    mine = find_own_containers(ALL, ("data",), Surroundings(needs=(NeededAddress("data", 5432, None),)))
    assert (mine.certain, mine.unknown) == (True, ())


def test_in_the_hosts_network_nothing_tells_which_container_listens() -> None:
    host = KnownTarget("db-on-host", "e5" * 32, host_network=True)
    mine = find_own_containers((AEGIS, host), (), needs("127.0.0.1", host="localhost"))
    assert mine.unknown == ("What listens at localhost:5432 may be a container in the host's network.",)
    assert find_own_containers((AEGIS, APP), (), needs("127.0.0.1")).unknown == ()


def test_a_container_that_does_not_know_its_id_says_so() -> None:
    for ids in (frozenset[str](), frozenset({"9" * 64})):
        assert len(find_own_containers(ALL, ("some-host",), Surroundings(ids=ids, contained=True)).unknown) == 1
    assert find_own_containers(ALL, ("some-host",), Surroundings()).unknown == ()


def test_two_containers_without_an_id_are_both_kept() -> None:
    inventory = (KnownTarget("one"), KnownTarget("two"))
    assert find_own_containers(inventory, ("one", "two"), Surroundings()).words == {"one", "two"}


def test_an_engine_at_a_loopback_address_makes_no_container_ours() -> None:
    app = KnownTarget("app", OTHER, addresses=("127.0.0.1",))
    around = Surroundings(needs=(NeededAddress("127.0.0.1", 2375, ("127.0.0.1",)),))
    assert "app" not in find_own_containers([app], (), around).words
