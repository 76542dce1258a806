// Two blocks in one design: a linear-feedback shift register feeds a population count.
//   nomul emit lfsr --axi --set width=7 --set seed=1 --out build/two
//   nomul emit popcount --axi --out build/two
`default_nettype none
module two_blocks (
  input  wire       aclk,
  input  wire       aresetn,
  output wire [7:0] m_axis_tdata,
  output wire       m_axis_tvalid,
  input  wire       m_axis_tready
);
  wire [7:0] state;
  wire       valid, ready;

  lfsr_axi source (
    .aclk(aclk),
    .aresetn(aresetn),
    .m_axis_o_tdata(state),
    .m_axis_o_tvalid(valid),
    .m_axis_o_tready(ready)
  );

  popcount_axi count (
    .aclk(aclk),
    .aresetn(aresetn),
    .s_axis_x_tdata(state),
    .s_axis_x_tvalid(valid),
    .s_axis_x_tready(ready),
    .m_axis_y_tdata(m_axis_tdata),
    .m_axis_y_tvalid(m_axis_tvalid),
    .m_axis_y_tready(m_axis_tready)
  );
endmodule
`default_nettype wire
