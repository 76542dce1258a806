// tt_um_nomul_lutnet: emitted by nomul 0.3.0.
// Parameters: {"network": "digits-tiny", "adder": "plus", "registers": "end", "weights": "rom", "count_cycles": 1}
// This file belongs to whoever emitted it; nomul's licence makes no claim on it.

// verilator lint_save
// verilator lint_off DECLFILENAME
// verilator lint_off UNUSEDSIGNAL

module tt_um_nomul_lutnet(rst_n, ena, ui_in, uio_in, uo_out, uio_out, uio_oe, clk);
  input rst_n;
  wire rst_n;
  input ena;
  wire ena;
  input [7:0] ui_in;
  wire [7:0] ui_in;
  input [7:0] uio_in;
  wire [7:0] uio_in;
  output [7:0] uo_out;
  wire [7:0] uo_out;
  output [7:0] uio_out;
  wire [7:0] uio_out;
  output [7:0] uio_oe;
  wire [7:0] uio_oe;
  input clk;
  wire clk;
  reg \$signal ;
  initial \$signal = 1'h0;
  reg [1:0] accept;
  initial accept = 2'h0;
  wire n0;
  wire n1;
  wire n10;
  wire n11;
  wire n2;
  wire n3;
  wire n4;
  wire n5;
  wire n6;
  wire n7;
  wire n8;
  wire n9;
  reg [1:0] request;
  initial request = 2'h0;
  reg [1:0] reset;
  initial reset = 2'h0;
  wire rst;
  reg valid;
  initial valid = 1'h0;
  wire x__ready;
  wire x__valid;
  wire [4:0] y__payload;
  wire y__ready;
  wire y__valid;
  tt_um_nomul_lutnet_block block (
    .clk(clk),
    .rst(rst),
    .x__payload(ui_in[3:0]),
    .x__ready(x__ready),
    .x__valid(x__valid),
    .y__payload(y__payload),
    .y__ready(y__ready),
    .y__valid(y__valid)
  );
  assign n2 = y__valid & n3;
  assign n3 = ~ valid;
  always @(posedge clk)
    reset <= { reset[0], rst_n };
  assign n9 = valid & accept[1];
  always @(posedge clk)
    if (!reset[1]) valid <= 1'h0;
    else if (n11) valid <= n5;
  assign n7 = n6 & x__ready;
  assign n6 = ~ \$signal ;
  reg [4:0] n19;
  initial n19 = 5'h00;
  always @(posedge clk)
    if (n8) n19 <= y__payload;
  assign uo_out[4:0] = n19;
  assign n1 = n9 ? 1'h0 : 1'hx;
  assign n5 = n8 ? 1'h1 : n1;
  always @(posedge clk)
    request <= { request[0], uio_in[0] };
  always @(posedge clk)
    accept <= { accept[0], uio_in[3] };
  assign y__ready = valid & accept[1];
  assign n10 = & { request[1], reset[1] };
  assign n11 = { n8, n9 } != 2'h0;
  always @(posedge clk)
    if (!n10) \$signal  <= 1'h0;
    else if (n7) \$signal  <= 1'h1;
  assign n8 = n2 & n0;
  assign n0 = ~ accept[1];
  assign x__valid = request[1] & n4;
  assign n4 = ~ \$signal ;
  assign rst = ~ reset[1];
  assign uio_oe = 8'h06;
  assign uio_out = { 5'h00, valid, \$signal , 1'h0 };
  assign uo_out[7:5] = 3'h0;
endmodule

module tt_um_nomul_lutnet_block(x__valid, y__ready, clk, rst, x__ready, y__payload, y__valid, x__payload);
  input x__valid;
  wire x__valid;
  input y__ready;
  wire y__ready;
  input clk;
  wire clk;
  input rst;
  wire rst;
  output x__ready;
  wire x__ready;
  output [4:0] y__payload;
  wire [4:0] y__payload;
  output y__valid;
  wire y__valid;
  input [3:0] x__payload;
  wire [3:0] x__payload;
  wire \$signal ;
  reg [50:0] chain8;
  initial chain8 = 51'h0000000000000;
  wire i__ready;
  reg i__valid;
  initial i__valid = 1'h0;
  wire [0:0] n0;
  wire n1;
  wire n2;
  wire [6:0] n3;
  wire [6:0] n4;
  wire n5;
  wire n6;
  reg [5:0] number;
  initial number = 6'h00;
  wire step;
  assign n2 = step & \$signal ;
  assign n3 = \$signal  ? 7'h00 : n4;
  wire [63:0] _0_ = 64'hfd7d7e7efcfff67e;
  assign n0 = _0_[number];
  assign n5 = x__payload >= 4'h8;
  assign n6 = step & n0;
  assign n4 = { 1'h0, number } + 7'h01;
  assign step = x__valid & x__ready;
  assign x__ready = n1 | i__ready;
  assign n1 = ~ i__valid;
  assign \$signal  = number == 6'h3f;
  always @(posedge clk)
    if (rst) i__valid <= 1'h0;
    else if (x__ready) i__valid <= n2;
  always @(posedge clk)
    if (rst) number <= 6'h00;
    else if (step) number <= n3[5:0];
  always @(posedge clk)
    if (n6) chain8 <= { n5, chain8[50:1] };
  tt_um_nomul_lutnet_block_stage0 stage0 (
    .clk(clk),
    .i__payload({ 1'h1, chain8 }),
    .i__ready(i__ready),
    .i__valid(i__valid),
    .o__payload(y__payload),
    .o__ready(y__ready),
    .o__valid(y__valid),
    .rst(rst)
  );
endmodule

module tt_um_nomul_lutnet_block_stage0(clk, rst, i__ready, i__payload, i__valid, o__valid, o__payload, o__ready);
  input clk;
  wire clk;
  input rst;
  wire rst;
  output i__ready;
  wire i__ready;
  input [51:0] i__payload;
  wire [51:0] i__payload;
  input i__valid;
  wire i__valid;
  output o__valid;
  wire o__valid;
  output [4:0] o__payload;
  wire [4:0] o__payload;
  input o__ready;
  wire o__ready;
  wire [3:0] \i__payload$6.x ;
  wire [119:0] \x$2 ;
  wire [39:0] \x$4 ;
  tt_um_nomul_lutnet_block_stage0_layer1_direct layer1_direct (
    .x(i__payload[50:0]),
    .y(\x$2 )
  );
  tt_um_nomul_lutnet_block_stage0_layer2_groupsum layer2_groupsum (
    .result(\x$4 [3:0]),
    .\result$11 (\x$4 [15:12]),
    .\result$14 (\x$4 [19:16]),
    .\result$17 (\x$4 [23:20]),
    .\result$20 (\x$4 [27:24]),
    .\result$23 (\x$4 [31:28]),
    .\result$26 (\x$4 [35:32]),
    .\result$29 (\x$4 [39:36]),
    .\result$5 (\x$4 [7:4]),
    .\result$8 (\x$4 [11:8]),
    .\x$1 (\x$2 )
  );
  tt_um_nomul_lutnet_block_stage0_layer3_argmax layer3_argmax (
    .\port$18$0 (\x$4 [3:0]),
    .\port$19$0 (\x$4 [7:4]),
    .\port$20$0 (\x$4 [11:8]),
    .\port$21$0 (\x$4 [15:12]),
    .\port$22$0 (\x$4 [19:16]),
    .\port$23$0 (\x$4 [23:20]),
    .\port$24$0 (\x$4 [27:24]),
    .\port$25$0 (\x$4 [31:28]),
    .\port$26$0 (\x$4 [35:32]),
    .\port$27$0 (\x$4 [39:36]),
    .\result$27 (\i__payload$6.x )
  );
  tt_um_nomul_lutnet_block_stage0_stage stage (
    .clk(clk),
    .i__ready(i__ready),
    .i__valid(i__valid),
    .o__payload(o__payload),
    .o__ready(o__ready),
    .o__valid(o__valid),
    .\port$54$0 (\i__payload$6.x ),
    .\port$62$51 (i__payload[51]),
    .rst(rst)
  );
endmodule

module tt_um_nomul_lutnet_block_stage0_layer1_direct(x, y);
  input [50:0] x;
  wire [50:0] x;
  output [119:0] y;
  wire [119:0] y;
  tt_um_nomul_lutnet_operators operators (
    .x(x),
    .y(y)
  );
endmodule

module tt_um_nomul_lutnet_block_stage0_layer2_groupsum(result, \result$5 , \result$8 , \result$11 , \result$14 , \result$17 , \result$20 , \result$23 , \result$26 , \result$29 , \x$1 );
  output [3:0] result;
  wire [3:0] result;
  output [3:0] \result$5 ;
  wire [3:0] \result$5 ;
  output [3:0] \result$8 ;
  wire [3:0] \result$8 ;
  output [3:0] \result$11 ;
  wire [3:0] \result$11 ;
  output [3:0] \result$14 ;
  wire [3:0] \result$14 ;
  output [3:0] \result$17 ;
  wire [3:0] \result$17 ;
  output [3:0] \result$20 ;
  wire [3:0] \result$20 ;
  output [3:0] \result$23 ;
  wire [3:0] \result$23 ;
  output [3:0] \result$26 ;
  wire [3:0] \result$26 ;
  output [3:0] \result$29 ;
  wire [3:0] \result$29 ;
  input [119:0] \x$1 ;
  wire [119:0] \x$1 ;
  tt_um_nomul_lutnet_sum12 \U$0  (
    .x(\x$1 [11:0]),
    .y(result)
  );
  tt_um_nomul_lutnet_sum12 \U$1  (
    .x(\x$1 [23:12]),
    .y(\result$5 )
  );
  tt_um_nomul_lutnet_sum12 \U$2  (
    .x(\x$1 [35:24]),
    .y(\result$8 )
  );
  tt_um_nomul_lutnet_sum12 \U$3  (
    .x(\x$1 [47:36]),
    .y(\result$11 )
  );
  tt_um_nomul_lutnet_sum12 \U$4  (
    .x(\x$1 [59:48]),
    .y(\result$14 )
  );
  tt_um_nomul_lutnet_sum12 \U$5  (
    .x(\x$1 [71:60]),
    .y(\result$17 )
  );
  tt_um_nomul_lutnet_sum12 \U$6  (
    .x(\x$1 [83:72]),
    .y(\result$20 )
  );
  tt_um_nomul_lutnet_sum12 \U$7  (
    .x(\x$1 [95:84]),
    .y(\result$23 )
  );
  tt_um_nomul_lutnet_sum12 \U$8  (
    .x(\x$1 [107:96]),
    .y(\result$26 )
  );
  tt_um_nomul_lutnet_sum12 \U$9  (
    .x(\x$1 [119:108]),
    .y(\result$29 )
  );
endmodule

module tt_um_nomul_lutnet_block_stage0_layer3_argmax(\port$19$0 , \port$20$0 , \port$21$0 , \port$22$0 , \port$23$0 , \port$24$0 , \port$25$0 , \port$26$0 , \port$27$0 , \result$27 , \port$18$0 );
  input [3:0] \port$19$0 ;
  wire [3:0] \port$19$0 ;
  input [3:0] \port$20$0 ;
  wire [3:0] \port$20$0 ;
  input [3:0] \port$21$0 ;
  wire [3:0] \port$21$0 ;
  input [3:0] \port$22$0 ;
  wire [3:0] \port$22$0 ;
  input [3:0] \port$23$0 ;
  wire [3:0] \port$23$0 ;
  input [3:0] \port$24$0 ;
  wire [3:0] \port$24$0 ;
  input [3:0] \port$25$0 ;
  wire [3:0] \port$25$0 ;
  input [3:0] \port$26$0 ;
  wire [3:0] \port$26$0 ;
  input [3:0] \port$27$0 ;
  wire [3:0] \port$27$0 ;
  output [3:0] \result$27 ;
  wire [3:0] \result$27 ;
  input [3:0] \port$18$0 ;
  wire [3:0] \port$18$0 ;
  wire result;
  wire \result$10 ;
  wire [3:0] \result$11 ;
  wire [2:0] \result$12 ;
  wire \result$13 ;
  wire [3:0] \result$14 ;
  wire [3:0] \result$15 ;
  wire \result$16 ;
  wire [3:0] \result$17 ;
  wire [3:0] \result$18 ;
  wire \result$19 ;
  wire [3:0] \result$2 ;
  wire [3:0] \result$20 ;
  wire [3:0] \result$21 ;
  wire \result$22 ;
  wire [3:0] \result$23 ;
  wire [3:0] \result$24 ;
  wire \result$25 ;
  wire \result$3 ;
  wire \result$4 ;
  wire [3:0] \result$5 ;
  wire [1:0] \result$6 ;
  wire \result$7 ;
  wire [3:0] \result$8 ;
  wire [2:0] \result$9 ;
  assign \result$27  = \result$25  ? \result$15  : \result$24 ;
  assign \result$25  = \result$14  > \result$23 ;
  assign \result$16  = \result$5  > \result$2 ;
  assign \result$15  = \result$13  ? 4'h9 : 4'h8;
  assign \result$14  = \result$13  ? \port$27$0  : \port$26$0 ;
  assign \result$13  = \port$27$0  > \port$26$0 ;
  assign \result$12  = \result$10  ? 3'h7 : 3'h6;
  assign \result$11  = \result$10  ? \port$25$0  : \port$24$0 ;
  assign \result$10  = \port$25$0  > \port$24$0 ;
  assign \result$9  = \result$7  ? 3'h5 : 3'h4;
  assign \result$8  = \result$7  ? \port$23$0  : \port$22$0 ;
  assign \result$7  = \port$23$0  > \port$22$0 ;
  assign \result$24  = \result$22  ? \result$21  : \result$18 ;
  assign \result$6  = \result$4  ? 2'h3 : 2'h2;
  assign \result$5  = \result$4  ? \port$21$0  : \port$20$0 ;
  assign \result$4  = \port$21$0  > \port$20$0 ;
  assign \result$3  = result ? 1'h1 : 1'h0;
  assign \result$2  = result ? \port$19$0  : \port$18$0 ;
  assign result = \port$19$0  > \port$18$0 ;
  assign \result$23  = \result$22  ? \result$20  : \result$17 ;
  assign \result$22  = \result$20  > \result$17 ;
  assign \result$21  = \result$19  ? { 1'h0, \result$12  } : { 1'h0, \result$9  };
  assign \result$20  = \result$19  ? \result$11  : \result$8 ;
  assign \result$19  = \result$11  > \result$8 ;
  assign \result$18  = \result$16  ? { 2'h0, \result$6  } : { 3'h0, \result$3  };
  assign \result$17  = \result$16  ? \result$5  : \result$2 ;
endmodule

module tt_um_nomul_lutnet_block_stage0_stage(clk, rst, \port$54$0 , i__ready, \port$62$51 , i__valid, o__valid, o__payload, o__ready);
  input clk;
  wire clk;
  input rst;
  wire rst;
  input [3:0] \port$54$0 ;
  wire [3:0] \port$54$0 ;
  output i__ready;
  wire i__ready;
  input \port$62$51 ;
  wire \port$62$51 ;
  input i__valid;
  wire i__valid;
  output o__valid;
  reg o__valid;
  initial o__valid = 1'h0;
  output [4:0] o__payload;
  reg [4:0] o__payload;
  initial o__payload = 5'h00;
  input o__ready;
  wire o__ready;
  wire n0;
  wire n1;
  always @(posedge clk)
    if (n0) o__payload <= { \port$62$51 , \port$54$0  };
  always @(posedge clk)
    if (rst) o__valid <= 1'h0;
    else if (i__ready) o__valid <= i__valid;
  assign n0 = i__ready & i__valid;
  assign i__ready = n1 | o__ready;
  assign n1 = ~ o__valid;
endmodule

module tt_um_nomul_lutnet_operators(y, x);
  output [119:0] y;
  wire [119:0] y;
  input [50:0] x;
  wire [50:0] x;
  wire [15:0] _0_ = 16'h43aa;
  assign y[119] = _0_[{ x[23], x[34:33], x[23] }];
  wire [15:0] _1_ = 16'hca00;
  assign y[118] = _1_[{ x[17], x[20], x[22], x[14] }];
  wire [15:0] _2_ = 16'h006e;
  assign y[109] = _2_[{ x[34], x[21], x[27], x[21] }];
  wire [15:0] _3_ = 16'he0e8;
  assign y[19] = _3_[{ x[7], x[35], x[49], x[16] }];
  wire [15:0] _4_ = 16'h0232;
  assign y[18] = _4_[{ x[31], x[15], x[37], x[44] }];
  wire [15:0] _5_ = 16'ha682;
  assign y[17] = _5_[{ x[50], x[7], x[33], x[15] }];
  wire [15:0] _6_ = 16'h5063;
  assign y[16] = _6_[{ x[30], x[48], x[7], x[2] }];
  wire [15:0] _7_ = 16'h7e02;
  assign y[15] = _7_[{ x[15], x[7], x[46], x[9] }];
  wire [15:0] _8_ = 16'h0035;
  assign y[14] = _8_[{ x[32], x[16], x[7], x[3] }];
  wire [15:0] _9_ = 16'h0caa;
  assign y[13] = _9_[{ x[30], x[46], x[9], x[15] }];
  wire [15:0] _10_ = 16'hdcc0;
  assign y[12] = _10_[{ x[16], x[49], x[35], x[7] }];
  wire [15:0] _11_ = 16'h002b;
  assign y[11] = _11_[{ x[29], x[21], x[16], x[27] }];
  wire [15:0] _12_ = 16'hda00;
  assign y[10] = _12_[{ x[39], x[17], x[36], x[9] }];
  wire [15:0] _13_ = 16'h00d0;
  assign y[108] = _13_[{ x[33], x[21], x[17], x[41] }];
  wire [15:0] _14_ = 16'h3031;
  assign y[9] = _14_[{ x[21], x[17], x[29:28] }];
  wire [15:0] _15_ = 16'h02f3;
  assign y[8] = _15_[{ x[34], x[26], x[22], x[17] }];
  wire [15:0] _16_ = 16'h0101;
  assign y[7] = _16_[{ x[21], x[22], x[28], x[11] }];
  wire [15:0] _17_ = 16'h00d5;
  assign y[6] = _17_[{ x[22], x[27], x[17], x[35] }];
  wire [15:0] _18_ = 16'h02a0;
  assign y[5] = _18_[{ x[14], x[5], x[29], x[14] }];
  wire [15:0] _19_ = 16'h0f0c;
  assign y[4] = _19_[{ x[33], x[29], x[39], x[42] }];
  wire [15:0] _20_ = 16'hee40;
  assign y[3] = _20_[{ x[33], x[36], x[9], x[17] }];
  wire [15:0] _21_ = 16'h8411;
  assign y[2] = _21_[{ x[29], x[20], x[38], x[22] }];
  wire [15:0] _22_ = 16'h4405;
  assign y[1] = _22_[{ x[23], x[34], x[27], x[29] }];
  wire [15:0] _23_ = 16'h0d0a;
  assign y[0] = _23_[{ x[33], x[22], x[17], x[26] }];
  wire [15:0] _24_ = 16'h55f0;
  assign y[107] = _24_[{ x[20], x[15], x[30], x[30] }];
  wire [15:0] _25_ = 16'he0c0;
  assign y[106] = _25_[{ x[47], x[21], x[9], x[17] }];
  wire [15:0] _26_ = 16'h000a;
  assign y[105] = _26_[{ x[24], x[31], x[14], x[21] }];
  wire [15:0] _27_ = 16'h7400;
  assign y[104] = _27_[{ x[28], x[39], x[40], x[34] }];
  wire [15:0] _28_ = 16'hd88a;
  assign y[103] = _28_[{ x[30], x[34], x[9], x[33] }];
  wire [15:0] _29_ = 16'ha6a0;
  assign y[102] = _29_[{ x[19], x[28], x[2], x[17] }];
  wire [15:0] _30_ = 16'h44c0;
  assign y[101] = _30_[{ x[34:33], x[21], x[27] }];
  wire [15:0] _31_ = 16'h50c8;
  assign y[100] = _31_[{ x[37], x[21], x[33], x[37] }];
  wire [15:0] _32_ = 16'h0230;
  assign y[117] = _32_[{ x[34], x[17], x[33], x[17] }];
  wire [15:0] _33_ = 16'h7076;
  assign y[99] = _33_[{ x[1], x[33], x[27], x[30] }];
  wire [15:0] _34_ = 16'h5a00;
  assign y[98] = _34_[{ x[28], x[35], x[0], x[30] }];
  wire [15:0] _35_ = 16'h2830;
  assign y[97] = _35_[{ x[40:39], x[37], x[17] }];
  wire [15:0] _36_ = 16'h2210;
  assign y[96] = _36_[{ x[42], x[9], x[31], x[29] }];
  wire [15:0] _37_ = 16'h0501;
  assign y[95] = _37_[{ x[9], x[48], x[20], x[42] }];
  wire [15:0] _38_ = 16'h2e20;
  assign y[94] = _38_[{ x[23], x[30], x[20], x[28] }];
  wire [15:0] _39_ = 16'h40ec;
  assign y[93] = _39_[{ x[14], x[23], x[5], x[28] }];
  wire [15:0] _40_ = 16'h3711;
  assign y[92] = _40_[{ x[10], x[15], x[47], x[14] }];
  wire [15:0] _41_ = 16'hc055;
  assign y[91] = _41_[{ x[47], x[4], x[24], x[42] }];
  wire [15:0] _42_ = 16'h9c86;
  assign y[90] = _42_[{ x[8], x[47], x[8], x[5] }];
  wire [15:0] _43_ = 16'h1415;
  assign y[116] = _43_[{ x[34:33], x[33], x[35] }];
  wire [15:0] _44_ = 16'h1101;
  assign y[89] = _44_[{ x[30], x[41], x[48], x[42] }];
  wire [15:0] _45_ = 16'h4504;
  assign y[88] = _45_[{ x[8], x[14], x[4], x[15] }];
  wire [15:0] _46_ = 16'h000a;
  assign y[87] = _46_[{ x[42], x[20], x[0], x[30] }];
  wire [15:0] _47_ = 16'h080e;
  assign y[86] = _47_[{ x[41], x[48], x[23], x[29] }];
  wire [15:0] _48_ = 16'h50d8;
  assign y[85] = _48_[{ x[41], x[4], x[34], x[16] }];
  wire [15:0] _49_ = 16'h5454;
  assign y[84] = _49_[{ x[10], x[23], x[30], x[42] }];
  wire [15:0] _50_ = 16'h00b0;
  assign y[83] = _50_[{ x[17], x[27], x[8], x[48] }];
  wire [15:0] _51_ = 16'h002a;
  assign y[82] = _51_[{ x[9], x[22], x[16], x[33] }];
  wire [15:0] _52_ = 16'h0804;
  assign y[81] = _52_[{ x[23], x[9], x[27], x[16] }];
  wire [15:0] _53_ = 16'hd440;
  assign y[80] = _53_[{ x[37], x[33], x[43], x[16] }];
  wire [15:0] _54_ = 16'h5505;
  assign y[115] = _54_[{ x[20], x[29], x[47], x[33] }];
  wire [15:0] _55_ = 16'h004d;
  assign y[79] = _55_[{ x[17], x[1], x[37], x[22] }];
  wire [15:0] _56_ = 16'h0454;
  assign y[78] = _56_[{ x[24], x[42], x[48], x[1] }];
  wire [15:0] _57_ = 16'h004d;
  assign y[77] = _57_[{ x[17:16], x[33], x[7] }];
  wire [15:0] _58_ = 16'hd040;
  assign y[76] = _58_[{ x[43], x[27], x[48], x[16] }];
  wire [15:0] _59_ = 16'h080a;
  assign y[75] = _59_[{ x[16], x[17], x[42], x[33] }];
  wire [15:0] _60_ = 16'h080e;
  assign y[74] = _60_[{ x[16], x[17], x[43], x[33] }];
  wire [15:0] _61_ = 16'h6344;
  assign y[73] = _61_[{ x[28], x[40], x[28], x[17] }];
  wire [15:0] _62_ = 16'h1010;
  assign y[72] = _62_[{ x[37], x[27], x[17], x[24] }];
  wire [15:0] _63_ = 16'h020a;
  assign y[71] = _63_[{ x[34], x[18], x[48], x[14] }];
  wire [15:0] _64_ = 16'h282b;
  assign y[70] = _64_[{ x[17:16], x[34], x[4] }];
  wire [15:0] _65_ = 16'hb878;
  assign y[114] = _65_[{ x[35], x[23], x[35], x[13] }];
  wire [15:0] _66_ = 16'h080c;
  assign y[69] = _66_[{ x[34], x[18], x[20], x[45] }];
  wire [15:0] _67_ = 16'h008e;
  assign y[68] = _67_[{ x[17], x[33], x[20], x[4] }];
  wire [15:0] _68_ = 16'h1510;
  assign y[67] = _68_[{ x[45], x[21], x[33], x[48] }];
  wire [15:0] _69_ = 16'h80f8;
  assign y[66] = _69_[{ x[17], x[4], x[1], x[14] }];
  wire [15:0] _70_ = 16'h0032;
  assign y[65] = _70_[{ x[16], x[45], x[17], x[1] }];
  wire [15:0] _71_ = 16'h0302;
  assign y[64] = _71_[{ x[20], x[17], x[33], x[21] }];
  wire [15:0] _72_ = 16'h040c;
  assign y[63] = _72_[{ x[17], x[33], x[14], x[9] }];
  wire [15:0] _73_ = 16'h40d9;
  assign y[62] = _73_[{ x[17], x[4], x[4], x[29] }];
  wire [15:0] _74_ = 16'h000e;
  assign y[61] = _74_[{ x[16], x[17], x[7], x[4] }];
  wire [15:0] _75_ = 16'h0530;
  assign y[60] = _75_[{ x[38], x[21], x[16], x[16] }];
  wire [15:0] _76_ = 16'h0e00;
  assign y[113] = _76_[{ x[17], x[34], x[21], x[21] }];
  wire [15:0] _77_ = 16'h7202;
  assign y[59] = _77_[{ x[27], x[30], x[8], x[9] }];
  wire [15:0] _78_ = 16'h80e0;
  assign y[58] = _78_[{ x[2], x[27], x[23], x[30] }];
  wire [15:0] _79_ = 16'h020b;
  assign y[57] = _79_[{ x[9], x[43], x[7], x[34] }];
  wire [15:0] _80_ = 16'h8e0e;
  assign y[56] = _80_[{ x[34], x[46], x[20], x[26] }];
  wire [15:0] _81_ = 16'hf4d4;
  assign y[55] = _81_[{ x[26], x[35], x[24], x[46] }];
  wire [15:0] _82_ = 16'h0232;
  assign y[54] = _82_[{ x[46], x[42], x[4], x[20] }];
  wire [15:0] _83_ = 16'hb0b2;
  assign y[53] = _83_[{ x[9], x[26], x[2], x[35] }];
  wire [15:0] _84_ = 16'hf0f1;
  assign y[52] = _84_[{ x[39], x[32], x[4], x[48] }];
  wire [15:0] _85_ = 16'h010b;
  assign y[51] = _85_[{ x[2], x[43], x[9], x[1] }];
  wire [15:0] _86_ = 16'h888b;
  assign y[50] = _86_[{ x[42], x[8], x[30], x[35] }];
  wire [15:0] _87_ = 16'h202a;
  assign y[112] = _87_[{ x[33], x[40], x[40], x[23] }];
  wire [15:0] _88_ = 16'h1300;
  assign y[49] = _88_[{ x[27], x[42], x[45], x[7] }];
  wire [15:0] _89_ = 16'h80ea;
  assign y[48] = _89_[{ x[7], x[35], x[27:26] }];
  wire [15:0] _90_ = 16'h0011;
  assign y[47] = _90_[{ x[27], x[16], x[20], x[34] }];
  wire [15:0] _91_ = 16'h0405;
  assign y[46] = _91_[{ x[49], x[20], x[37], x[34] }];
  wire [15:0] _92_ = 16'hcd01;
  assign y[45] = _92_[{ x[6], x[34], x[15], x[20] }];
  wire [15:0] _93_ = 16'h014c;
  assign y[44] = _93_[{ x[27], x[14], x[22], x[33] }];
  wire [15:0] _94_ = 16'h0504;
  assign y[43] = _94_[{ x[36], x[15], x[9], x[20] }];
  wire [15:0] _95_ = 16'h5040;
  assign y[42] = _95_[{ x[9], x[46], x[36], x[14] }];
  wire [15:0] _96_ = 16'h4504;
  assign y[41] = _96_[{ x[3], x[23], x[37], x[33] }];
  wire [15:0] _97_ = 16'h088e;
  assign y[40] = _97_[{ x[33], x[14], x[36], x[42] }];
  wire [15:0] _98_ = 16'h00c5;
  assign y[111] = _98_[{ x[35], x[4], x[24], x[33] }];
  wire [15:0] _99_ = 16'h0023;
  assign y[39] = _99_[{ x[24], x[33], x[34], x[16] }];
  wire [15:0] _100_ = 16'h4f82;
  assign y[38] = _100_[{ x[22], x[20], x[43], x[45] }];
  wire [15:0] _101_ = 16'h0f8a;
  assign y[37] = _101_[{ x[34], x[40], x[36], x[29] }];
  wire [15:0] _102_ = 16'he8a0;
  assign y[36] = _102_[{ x[16], x[37:36], x[3] }];
  wire [15:0] _103_ = 16'h4500;
  assign y[35] = _103_[{ x[40], x[4], x[41], x[20] }];
  wire [15:0] _104_ = 16'hd150;
  assign y[34] = _104_[{ x[41], x[45], x[21], x[27] }];
  wire [15:0] _105_ = 16'h9b00;
  assign y[33] = _105_[{ x[34], x[20], x[20], x[12] }];
  wire [15:0] _106_ = 16'h0002;
  assign y[32] = _106_[{ x[30], x[27], x[5], x[40] }];
  wire [15:0] _107_ = 16'h110b;
  assign y[31] = _107_[{ x[35], x[30], x[27], x[21] }];
  wire [15:0] _108_ = 16'h45c4;
  assign y[30] = _108_[{ x[34], x[30], x[49], x[36] }];
  wire [15:0] _109_ = 16'hbb00;
  assign y[110] = _109_[{ x[17], x[41], x[29], x[14] }];
  wire [15:0] _110_ = 16'h0f22;
  assign y[29] = _110_[{ x[48], x[36], x[20], x[42] }];
  wire [15:0] _111_ = 16'h44d0;
  assign y[28] = _111_[{ x[21], x[40], x[48], x[30] }];
  wire [15:0] _112_ = 16'h2230;
  assign y[27] = _112_[{ x[42], x[48], x[20], x[34] }];
  wire [15:0] _113_ = 16'h22b2;
  assign y[26] = _113_[{ x[30], x[39], x[21], x[40] }];
  wire [15:0] _114_ = 16'hef02;
  assign y[25] = _114_[{ x[49], x[30], x[23], x[1] }];
  wire [15:0] _115_ = 16'hd404;
  assign y[24] = _115_[{ x[41], x[42], x[48], x[36] }];
  wire [15:0] _116_ = 16'h5c00;
  assign y[23] = _116_[{ x[15], x[34], x[48], x[36] }];
  wire [15:0] _117_ = 16'h005c;
  assign y[22] = _117_[{ x[37], x[21], x[25], x[45] }];
  wire [15:0] _118_ = 16'h808a;
  assign y[21] = _118_[{ x[7], x[27], x[21], x[16] }];
  wire [15:0] _119_ = 16'h540c;
  assign y[20] = _119_[{ x[16], x[30], x[41], x[1] }];
endmodule

module tt_um_nomul_lutnet_sum12(y, x);
  output [3:0] y;
  wire [3:0] y;
  input [11:0] x;
  wire [11:0] x;
  wire [1:0] n0;
  wire [1:0] n1;
  wire [3:0] n2;
  wire [2:0] n3;
  wire [1:0] n4;
  wire [1:0] n5;
  wire [2:0] n6;
  wire [1:0] n7;
  wire [1:0] n8;
  wire [2:0] n9;
  assign y = n2 + n9;
  assign n9 = n1 + n0;
  assign n0 = x[10] + x[11];
  assign n1 = x[8] + x[9];
  assign n2 = n6 + n3;
  assign n3 = n5 + n4;
  assign n4 = x[6] + x[7];
  assign n5 = x[4] + x[5];
  assign n6 = n8 + n7;
  assign n7 = x[2] + x[3];
  assign n8 = x[0] + x[1];
endmodule

// verilator lint_restore
