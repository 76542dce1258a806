"""A testbench in plain Verilog that checks itself, for people who have no cocotb."""

from collections.abc import Sequence

from nomul.synth.emit.flags import Flag
from nomul.synth.emit.lanes import Lane
from nomul.synth.emit.verilog import Emitted

COUNT_BITS = 32


def write(
    emitted: Emitted,
    recorded: Sequence[Lane],
    complete: bool = True,
    flags: Sequence[Flag] = (),
) -> dict[str, str]:
    """Return the testbench and its vectors by file name.

    Every word is offered as soon as the transfers have passed that the recorded bench had seen when
    it sent that word, every answer is compared bit by bit, and flags once all is quiet. On the
    simulator's command line, ``+stall`` makes both sides pause at random, and ``+flags`` prints the
    flags. The last line that it prints starts with PASS or FAIL.

    Parameters
    ----------
    emitted
        The design.
    recorded
        Its streams, from :func:`nomul.synth.emit.lanes.recorded`.
    complete
        Whether the recording has all that the design sends; then a surplus word is an error, unless
        the design sends without being asked.
    flags
        Flags and counters, from :mod:`nomul.synth.emit.flags`.
    """
    complete = complete and any(not lane.outward for lane in recorded)
    files = {f"{emitted.name}_tb.v": _verilog(emitted, recorded, complete, flags)}
    for lane in recorded:
        if lane.words:
            files[_file(emitted.name, lane)] = _vectors(lane)
    return files


def _file(name: str, lane: Lane) -> str:
    return f"{name}_tb_{lane.name}.hex"


def _vectors(lane: Lane) -> str:
    """Return a line per word: the counts that must have passed, last lane first, and the word."""
    digits = (lane.width + 3) // 4
    lines = []
    for word, counts in zip(lane.words, lane.before, strict=True):
        head = "" if lane.outward else "".join(f"{count:08x}_" for count in reversed(counts))
        lines.append(f"{head}{word:0{digits}x}\n")
    return "".join(lines)


def _verilog(
    emitted: Emitted, recorded: Sequence[Lane], complete: bool, flags: Sequence[Flag]
) -> str:
    manifest, name = emitted.manifest, emitted.name
    clock, reset = manifest["clock"], manifest["reset"]["name"]
    on = int(manifest["reset"]["active"] == "high")
    driven = [clock, reset]
    for lane in recorded:
        driven += [*(port for port, _ in lane.payload), lane.valid, lane.ready]
    pins = [f".{signal}({signal})" for signal in driven]
    seen = {flag.wire: f"flag_{flag.name}" for flag in flags}
    for port in manifest["ports"]:
        if port["name"] not in driven:
            value = f"{port['width']}'d0"
            if port["direction"] == "output":
                value = seen.get(port["name"], "")
            pins.append(f".{port['name']}({value})")
    inputs = [lane for lane in recorded if not lane.outward]
    outputs = [lane for lane in recorded if lane.outward]
    ends = [f"put_{lane.name} == {len(lane.words)}" for lane in inputs]
    ends += [f"got_{lane.name} >= {len(lane.words)}" for lane in outputs]
    moved = " + ".join(
        [f"put_{lane.name}" for lane in inputs] + [f"got_{lane.name}" for lane in outputs]
    )
    errors = " + ".join(f"bad_{lane.name}" for lane in outputs) or "0"
    answers = sum(len(lane.words) for lane in outputs)
    compared = sum(flag.value is not None for flag in flags)
    noun = "flag" if compared == 1 else "flags"
    what = f"{answers} words" + f" and {compared} {noun}" * (compared > 0)
    return f"""\
// {name}_tb: emitted by nomul {manifest["nomul"]}.
// Self-checking. The vectors are of a run that agreed with the golden model.
// Run it in its own folder, with +stall for random pauses: it prints PASS or FAIL.
// This file belongs to whoever emitted it; nomul's licence makes no claim on it.
`timescale 1ns/1ps
module {name}_tb;
  reg {clock} = 0, {reset} = {on}, running = 0, stall = 0;
  integer cycles = 0, quiet = 0, last = 0;
{"".join(_declare(lane, clock) for lane in recorded)}
  {name} dut (
    {f",{chr(10)}    ".join(pins)}
  );

  always #5 {clock} = ~{clock};

  initial begin
    if ($test$plusargs("stall")) stall = 1;
    repeat (3) @(posedge {clock});
    #1 {reset} = {1 - on};
    running = 1;
  end
{"".join(_input(lane, _file(name, lane), recorded, clock) for lane in inputs)}\
{"".join(_output(lane, _file(name, lane), complete, clock) for lane in outputs)}\
{_flags(flags)}
  wire [31:0] moved = {moved};
  wire [31:0] errors = {errors};
  wire done = {" && ".join(ends)};

  always @(posedge {clock}) if (running) begin
    cycles <= cycles + 1;
    last <= moved;
    quiet <= moved == last ? quiet + 1 : 0;
    if (done && quiet > 20) begin
      check_flags;
      if (errors + bad_flags == 0)
        $display("PASS: {what} of {name} are right, in %0d cycles", cycles - quiet);
      else
        $display("FAIL: %0d errors in {name}", errors + bad_flags);
      $finish;
    end else if (quiet > 20000) begin
      $display("FAIL: {name} hangs after %0d transfers", moved);
      $finish;
    end
  end
endmodule
"""


def _declare(lane: Lane, clock: str) -> str:
    """Return the wires of a stream, and a count of its transfers."""
    wires = "".join(f"  wire [{width - 1}:0] {port};\n" for port, width in lane.payload)
    return f"""
{wires}  wire {lane.valid}, {lane.ready};
  integer n_{lane.name} = 0;
  always @(posedge {clock})
    if (running && {lane.probe}__valid === 1'b1 && {lane.probe}__ready === 1'b1)
      n_{lane.name} <= n_{lane.name} + 1;
"""


def _flags(flags: Sequence[Flag]) -> str:
    """Return what looks at flags and counters at the end."""
    wires, prints, compares = [], [], []
    for flag in flags:
        inside = "" if flag.wire == flag.name else f" = {flag.wire}"
        wires.append(f"  wire [{flag.width - 1}:0] flag_{flag.name}{inside};\n")
        prints.append(f'      $display("flag {flag.name} %h", flag_{flag.name});\n')
        if flag.value is not None:
            value = f"{flag.width}'h{flag.value:x}"
            compares.append(f"""\
    if (flag_{flag.name} !== {value}) begin
      bad_flags = bad_flags + 1;
      $display("{flag.name} is %h, not %h", flag_{flag.name}, {value});
    end
""")
    others = ", ".join(flag.name for flag in flags if flag.value is None)
    left = f"  // Not compared, since pauses change it: {others}.\n" if others else ""
    shown = f"""\
    if ($test$plusargs("flags")) begin
{"".join(prints)}    end
"""
    return f"""
  // Flags and counters, once all is quiet.
{left}{"".join(wires)}\
  integer bad_flags = 0;
  task check_flags; begin
{shown if flags else ""}{"".join(compares)}\
  end endtask
"""


def _payload(lane: Lane) -> str:
    return f"{{{', '.join(port for port, _ in reversed(lane.payload))}}}"


def _input(lane: Lane, file: str, recorded: Sequence[Lane], clock: str) -> str:
    """Return what offers the words of a stream, each when those before it have passed."""
    name, width, count = lane.name, lane.width, len(lane.words)
    if not count:
        return f"""
  integer put_{name} = 0;
  assign {lane.valid} = 1'b0;
  assign {_payload(lane)} = {width}'d0;
"""
    whole = width + _pad(width) + COUNT_BITS * len(recorded)
    after = "".join(
        f"\n    && n_{other.name} >= line_{name}[{width + _pad(width) + COUNT_BITS * k} +: 32]"
        for k, other in enumerate(recorded)
    )
    return f"""
  // Send {name}.
  reg [{whole - 1}:0] lines_{name} [0:{count - 1}];
  initial $readmemh("{file}", lines_{name});
  integer put_{name} = 0;
  reg pause_{name} = 0;
  wire [{whole - 1}:0] line_{name} = lines_{name}[put_{name}];
  assign {lane.valid} = running && !pause_{name} && put_{name} < {count}{after};
  assign {_payload(lane)} = {lane.valid} ? line_{name}[{width - 1}:0] : {width}'d0;
  always @(posedge {clock}) if (running) begin
    pause_{name} <= stall && !({lane.valid} && !{lane.ready}) && (($random >> 20) & 1) == 1;
    if ({lane.valid} && {lane.ready}) put_{name} <= put_{name} + 1;
  end
"""


def _pad(width: int) -> int:
    """Return how many bits a word is short of whole hexadecimal digits."""
    return -width % 4


def _output(lane: Lane, file: str, complete: bool, clock: str) -> str:
    """Return what takes and compares the words of a stream."""
    name, width, count = lane.name, lane.width, len(lane.words)
    memory = f"""\
  reg [{width - 1}:0] words_{name} [0:{count - 1}];
  initial $readmemh("{file}", words_{name});
"""
    surplus = f"""\
        bad_{name} <= bad_{name} + 1;
        $display("{name} has a surplus word %h", word_{name});
"""
    wrong = f"""\
      end else if (word_{name} !== words_{name}[got_{name}]) begin
        bad_{name} <= bad_{name} + 1;
        $display("{name}[%0d] is %h, not %h", got_{name}, word_{name}, words_{name}[got_{name}]);
"""
    return f"""
  // Take {name}, and compare.
{memory if count else ""}\
  wire [{width - 1}:0] word_{name} = {_payload(lane)};
  integer got_{name} = 0, bad_{name} = 0;
  reg pause_{name} = 0, waiting_{name} = 0;
  reg [{width - 1}:0] kept_{name};
  assign {lane.ready} = running && !pause_{name};
  always @(posedge {clock}) if (running) begin
    pause_{name} <= stall && (($random >> 20) & 1) == 1;
    waiting_{name} <= {lane.valid} && !{lane.ready};
    kept_{name} <= word_{name};
    if ({lane.valid} === 1'bx) begin
      bad_{name} <= bad_{name} + 1;
      $display("{name} is neither valid nor not");
    end else if (waiting_{name} && !({lane.valid} && word_{name} === kept_{name})) begin
      bad_{name} <= bad_{name} + 1;
      $display("{name}[%0d] did not hold until it was taken", got_{name});
    end else if ({lane.valid} && {lane.ready}) begin
      {"" if complete else f"if (got_{name} < {count}) "}got_{name} <= got_{name} + 1;
      if (got_{name} >= {count}) begin
{surplus if complete else ""}{wrong if count else ""}      end
    end
  end
"""
