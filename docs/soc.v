// Two blocks on one AXI4-Lite bus, as a processor sees them.
//   nomul emit codebook --axi --out build/soc
//   nomul emit sotfp --axi --out build/soc
//
// 0x0000  codebook: its registers         0x1000  sotfp: its registers
// 0x2000  write: an entry of the codebook  0x2004  write: a code to look up
// 0x2008  write: first operand of sotfp    0x200c  write: second operand
// 0x3000  read: the level of a code        0x3004  read: a result of sotfp
//
// Bit 31 of an operand or a result marks the last one of a batch. A write waits until the block
// takes it, and a read until there is something. Everything else answers SLVERR.
`default_nettype none
module soc (
  input  wire        aclk,
  input  wire        aresetn,
  input  wire [15:0] s_axil_awaddr,
  input  wire        s_axil_awvalid,
  output wire        s_axil_awready,
  input  wire [31:0] s_axil_wdata,
  input  wire [3:0]  s_axil_wstrb,
  input  wire        s_axil_wvalid,
  output wire        s_axil_wready,
  output reg  [1:0]  s_axil_bresp,
  output reg         s_axil_bvalid,
  input  wire        s_axil_bready,
  input  wire [15:0] s_axil_araddr,
  input  wire        s_axil_arvalid,
  output wire        s_axil_arready,
  output wire [31:0] s_axil_rdata,
  output wire [1:0]  s_axil_rresp,
  output wire        s_axil_rvalid,
  input  wire        s_axil_rready
);
  localparam [1:0] OKAY = 2'd0, SLVERR = 2'd2;

  // Writes: a word goes straight into the stream that its address names.
  wire [3:0] ready;
  wire known = s_axil_awaddr[15:4] == 12'h200 && s_axil_awaddr[1:0] == 2'd0
    && s_axil_wstrb == 4'hf && s_axil_wdata[30:24] == 7'd0;
  wire offered = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid;
  wire [3:0] valid = offered && known ? 4'd1 << s_axil_awaddr[3:2] : 4'd0;
  wire taken = offered && (!known || (valid & ready) != 4'd0);
  assign s_axil_awready = taken;
  assign s_axil_wready = taken;
  always @(posedge aclk)
    if (!aresetn) s_axil_bvalid <= 1'b0;
    else if (taken) begin
      s_axil_bvalid <= 1'b1;
      s_axil_bresp <= known ? OKAY : SLVERR;
    end else if (s_axil_bready) s_axil_bvalid <= 1'b0;

  // Reads: the address is kept until the answer is taken.
  reg [15:0] address;
  reg reading, asked;
  assign s_axil_arready = !reading;
  wire finished = s_axil_rvalid && s_axil_rready;
  wire [1:0] from = address[13:12];
  wire mapped = address[15:14] == 2'd0 && address[11:5] == 7'd0
    && (address[4:2] < 3'd2 || from == 2'd1) && address[1:0] == 2'd0;
  wire [3:0] there;
  wire [31:0] word [0:3];
  wire [1:0] answer [0:3];
  wire open = reading && mapped;
  wire ask = open && !asked;
  wire [1:0] heard;
  assign s_axil_rvalid = mapped ? open && there[from] : reading;
  assign s_axil_rdata = mapped ? word[from] : 32'd0;
  assign s_axil_rresp = mapped ? answer[from] : SLVERR;
  always @(posedge aclk)
    if (!aresetn || finished) begin
      reading <= 1'b0;
      asked <= 1'b0;
    end else if (!reading) begin
      reading <= s_axil_arvalid;
      address <= s_axil_araddr;
    end else if (ask && !from[1] && heard[from[0]]) asked <= 1'b1;

  // The third window can only be written, and the fourth are both streams that leave.
  wire [15:0] level, result;
  wire level_valid, result_valid, result_last;
  assign there[2] = 1'b1;
  assign word[2] = 32'd0;
  assign answer[2] = SLVERR;
  assign there[3] = address[2] ? result_valid : level_valid;
  assign word[3] = address[2] ? {result_last, 15'd0, result} : {16'd0, level};
  assign answer[3] = OKAY;
  wire pop = open && from == 2'd3 && s_axil_rready;

  // Status cannot be written, so nobody listens to what would be said of it.
  // verilator lint_off PINCONNECTEMPTY
  codebook_axi codebook (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_load_tdata(s_axil_wdata[15:0]),
    .s_axis_load_tvalid(valid[0]), .s_axis_load_tready(ready[0]),
    .s_axis_code_tdata(s_axil_wdata[7:0]),
    .s_axis_code_tvalid(valid[1]), .s_axis_code_tready(ready[1]),
    .m_axis_level_tdata(level),
    .m_axis_level_tvalid(level_valid), .m_axis_level_tready(pop && !address[2]),
    .s_axil_araddr(address[2:0]), .s_axil_arprot(3'd0),
    .s_axil_arvalid(ask && from == 2'd0), .s_axil_arready(heard[0]),
    .s_axil_rdata(word[0]), .s_axil_rresp(answer[0]),
    .s_axil_rvalid(there[0]), .s_axil_rready(open && from == 2'd0 && s_axil_rready),
    .s_axil_awaddr(3'd0), .s_axil_awprot(3'd0), .s_axil_awvalid(1'b0), .s_axil_awready(),
    .s_axil_wdata(32'd0), .s_axil_wstrb(4'd0), .s_axil_wvalid(1'b0), .s_axil_wready(),
    .s_axil_bresp(), .s_axil_bvalid(), .s_axil_bready(1'b1)
  );

  sotfp_axi sotfp (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_a_tdata(s_axil_wdata[23:0]), .s_axis_a_tlast(s_axil_wdata[31]),
    .s_axis_a_tvalid(valid[2]), .s_axis_a_tready(ready[2]),
    .s_axis_b_tdata(s_axil_wdata[15:0]), .s_axis_b_tlast(s_axil_wdata[31]),
    .s_axis_b_tvalid(valid[3]), .s_axis_b_tready(ready[3]),
    .m_axis_y_tdata(result), .m_axis_y_tlast(result_last),
    .m_axis_y_tvalid(result_valid), .m_axis_y_tready(pop && address[2]),
    .s_axil_araddr(address[4:0]), .s_axil_arprot(3'd0),
    .s_axil_arvalid(ask && from == 2'd1), .s_axil_arready(heard[1]),
    .s_axil_rdata(word[1]), .s_axil_rresp(answer[1]),
    .s_axil_rvalid(there[1]), .s_axil_rready(open && from == 2'd1 && s_axil_rready),
    .s_axil_awaddr(5'd0), .s_axil_awprot(3'd0), .s_axil_awvalid(1'b0), .s_axil_awready(),
    .s_axil_wdata(32'd0), .s_axil_wstrb(4'd0), .s_axil_wvalid(1'b0), .s_axil_wready(),
    .s_axil_bresp(), .s_axil_bvalid(), .s_axil_bready(1'b1)
  );
  // verilator lint_on PINCONNECTEMPTY
endmodule
`default_nettype wire
