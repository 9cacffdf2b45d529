"""A whole circuit as one Lava Process."""

from collections.abc import Callable
from typing import Any

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray


class WholeCircuit(AbstractProcess):  # type: ignore[misc]
    """Ports `input` (inputs,) and `target` (outputs,) take spikes, `output` (outputs,) gives those of `o`.

    `step`, from input and target spikes to output spikes, does one step of the circuit. It runs in an
    operating system process of its own: what it changes must lie in shared memory to be seen from outside.
    """

    def __init__(self, inputs: int, outputs: int, step: Callable[..., NDArray[Any]]) -> None:
        super().__init__(step=step)
        self.input = InPort(shape=(inputs,))
        self.target = InPort(shape=(outputs,))
        self.output = OutPort(shape=(outputs,))


@implements(proc=WholeCircuit, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyWholeCircuit(PyLoihiProcessModel):  # type: ignore[misc]
    input: PyInPort = LavaPyType(PyInPort.VEC_DENSE, bool, precision=1)
    target: PyInPort = LavaPyType(PyInPort.VEC_DENSE, bool, precision=1)
    output: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, bool, precision=1)

    def run_spk(self) -> None:
        """Carry out one time step."""
        self.output.send(self.proc_params["step"](self.input.recv(), self.target.recv()))
