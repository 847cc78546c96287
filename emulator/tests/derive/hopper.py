"""9.7.13.15, 9.7.15, 9.7.9.25: mbarrier, wgmma, bulk copies, clusters. Layouts of matrices in shared memory are those of
"Strides" and "Shared Memory Matrix Layout"; one-hot inputs show every element in its place."""

from files import *
from tensor import encode, product

TARGET = "sm_90a"


def swizzled(address, span):
    return address ^ (address >> 7 & span // 16 - 1) << 4


class Operand:
    """Rows of 32 bytes along k in shared memory: its bytes, and its descriptor but for the address."""

    def __init__(self, rows, kind, span, turned, start=0):
        size = {"tf32": 4, "s8": 1, "u8": 1}.get(kind, 2)
        depth, count = 32 // size, len(rows)
        if turned and span == 16:
            leading, stride = 16 * count, 128
            place = lambda r, k: r % 8 * 2 + r // 8 * stride + k % 8 * 16 + k // 8 * leading
        elif turned:
            leading, stride = 16 * span, 8 * span
            place = lambda r, k: r * 2 % span + r * 2 // span * leading + k % 8 * span + k // 8 * stride
        elif span == 16:
            leading, stride = 128, 256
            place = lambda r, k: r % 8 * 16 + r // 8 * stride + k * size // 16 * leading + k * size % 16
        else:
            leading, stride = 16, 8 * span
            place = lambda r, k: r % 8 * span + r // 8 * stride + k * size
        mode = {16: 0, 128: 1, 64: 2, 32: 3}[span]
        self.descriptor = start >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | mode << 62
        end = max(place(r, k) for r in range(count) for k in range(depth)) + start + size
        self.bytes = bytearray(-(-end // 1024) * 1024)
        for r in range(count):
            for k in range(depth):
                at = swizzled(start + place(r, k), span)
                self.bytes[at:at + size] = encode(kind, rows[r][k]).to_bytes(size, "little")

    def words(self):
        return [int.from_bytes(self.bytes[i:i + 4], "little") for i in range(0, len(self.bytes), 4)]


def wgmma(name, columns, d_kind, a_kind, b_kind=None, spans=(16, 16), turned=(0, 0), starts=(0, 0), registers=False, scale=1,
          signs=(1, 1)):
    b_kind = b_kind or a_kind
    depth = {"tf32": 8, "s8": 32, "u8": 32}.get(a_kind, 16)
    modulus = 127 if depth == 32 else 251
    # a permuted identity in A, numbers in B that tell elements apart: every element of B comes out in its own place
    a = [[int(k == (3 * r + 1) % depth) for k in range(depth)] for r in range(64)]
    b = [[(7 * n + 31 * k) % modulus + (1 if k % 2 else 0) for k in range(depth)] for n in range(columns)]
    c = [[(r + 3 * n) % 64 for n in range(columns)] for r in range(64)]
    d = product(a, [[b[n][k] for n in range(columns)] for k in range(depth)], [[0] * columns] * 64)
    sign = signs[0] * signs[1]
    d = [[sign * d[r][n] + (c[r][n] if scale else 0) for n in range(columns)] for r in range(64)]
    A, B = Operand(a, a_kind, spans[0], turned[0], starts[0]), Operand(b, b_kind, spans[1], turned[1], starts[1])
    image = A.words() + B.words()
    elements = columns // 2
    at = lambda t, i: (16 * (t // 32) + t % 32 // 4 + 8 * (i // 2 % 2), 8 * (i // 4) + 2 * (t % 4) + i % 2)

    def fragment(m):
        out = []
        for t in range(128):
            values = [encode({"s32": "s32"}.get(d_kind, d_kind), m[r][n]) & 0xFFFFFFFF for r, n in (at(t, i) for i in range(elements))]
            if d_kind == "f16":
                values = [values[i] | values[i + 1] << 16 for i in range(0, elements, 2)]
            out += values
        return out

    count = elements // 2 if d_kind == "f16" else elements
    ty = "f32" if d_kind == "f32" else "b32"
    ins = [("b32", image), ("b32", fragment(c))]
    if registers:
        size = 32 // depth
        row = lambda r: b"".join(encode(a_kind, v).to_bytes(size, "little") for v in a[r])
        regs = [int.from_bytes(row(16 * (t // 32) + t % 32 // 4 + 8 * (j % 2))[16 * (j // 2) + 4 * (t % 4):][:4], "little")
                for t in range(128) for j in range(4)]
        ins.append(("b32", regs))
    load = "\n".join(f"ld.global.{ty} %d{i}, [%p+{4 * i}];" for i in range(count))
    store = "\n".join(f"st.global.{ty} [%p+{4 * i}], %d{i};" for i in range(count))
    half = depth == 16
    tail = "" if depth == 32 else f", {signs[0]}, {signs[1]}" + ("" if not half else f", {turned[1]}" if registers else f", {turned[0]}, {turned[1]}")
    first = "{%a0, %a1, %a2, %a3}" if registers else "%x"
    fetch = """ld.param.u64 %p, [in2]; mad.lo.u64 %p, %i, 16, %p;
        ld.global.v4.b32 {%a0, %a1, %a2, %a3}, [%p];""" if registers else ""
    regs = ", ".join(f"%d{i}" for i in range(count))
    raw("hopper", f"wgmma_{name}", "9.7.15.5 wgmma.mma_async", 128, ins, [("b32", fragment(d))], f"""
        .shared .align 1024 .b8 room[{4 * len(image)}];
        .reg .b64 %x, %y, %g; .reg .b32 %s, %v, %w, %a0, %a1, %a2, %a3; .reg .pred %q; .reg .{ty} %d<{count}>;
        mov.u32 %s, room; shr.u32 %w, %s, 4; cvt.u64.u32 %x, %w; add.u64 %y, %x, {B.descriptor + (len(A.bytes) >> 4)}; add.u64 %x, %x, {A.descriptor};
        mad.lo.u32 %s, %t, 4, %s; ld.param.u64 %g, [in0]; mad.lo.u64 %g, %i, 4, %g; mov.u32 %w, {len(image)};
        LOOP: ld.global.b32 %v, [%g]; st.shared.b32 [%s], %v; add.u64 %g, %g, 512; add.u32 %s, %s, 512; sub.u32 %w, %w, 128; setp.gt.s32 %q, %w, 0; @%q bra LOOP;
        ld.param.u64 %p, [in1]; mad.lo.u64 %p, %i, {4 * count}, %p;
        {load}
        {fetch}
        fence.proxy.async.shared::cta;
        bar.sync 0;
        wgmma.fence.sync.aligned;
        setp.ne.b32 %q, {scale}, 0;
        wgmma.mma_async.sync.aligned.m64n{columns}k{depth}.{d_kind}.{a_kind}.{b_kind} {{{regs}}}, {first}, %y, %q{tail};
        wgmma.commit_group.sync.aligned;
        wgmma.wait_group.sync.aligned 0;
        ld.param.u64 %p, [out0]; mad.lo.u64 %p, %i, {4 * count}, %p;
        {store}""", target=TARGET)


def wgmmas():
    wgmma("f16_n8", 8, "f32", "f16")
    wgmma("bf16_n24", 24, "f32", "bf16")
    wgmma("f16_n64_f16", 64, "f16", "f16")
    wgmma("tf32_n16", 16, "f32", "tf32")
    wgmma("tf32_n8_swizzle128", 8, "f32", "tf32", spans=(128, 64))
    wgmma("s8_u8_n32", 32, "s32", "s8", "u8")
    wgmma("u8_s8_n8_swizzle32", 8, "s32", "u8", "s8", spans=(32, 32))
    wgmma("f16_no_scale_d", 8, "f32", "f16", scale=0)
    wgmma("f16_negative", 8, "f32", "f16", signs=(-1, 1))
    wgmma("f16_registers", 16, "f32", "f16", registers=True)
    wgmma("tf32_registers", 8, "f32", "tf32", registers=True)
    wgmma("s8_registers", 8, "s32", "s8", registers=True)
    wgmma("bf16_registers_turned_b", 16, "f32", "bf16", registers=True, turned=(0, 1))
    for span in (32, 64, 128):
        wgmma(f"bf16_swizzle{span}", 16, "f32", "bf16", spans=(span, span))
        # the other dimension along memory: two patterns of B side by side
        wgmma(f"f16_turned_swizzle{span}", span, "f16", "f16", spans=(span, span), turned=(1, 1))
    wgmma("bf16_second_slice", 16, "f32", "bf16", spans=(128, 64), starts=(32, 32))
    wgmma("f16_turned", 16, "f32", "f16", turned=(1, 1))


def barriers():
    # one thread, count 3: the state tells phase and pending arrivals
    raw("hopper", "mbarrier_phases", "9.7.13.15 mbarrier", 1, [], [("u32", [3, 2, 0, 1, 0, 1, 1, 0, 2])], """
        .shared .align 8 .b64 bar;
        .reg .b64 %x, %y, %o; .reg .b32 %c; .reg .pred %q;
        ld.param.u64 %o, [out0];
        mbarrier.init.shared.b64 [bar], 3;
        mbarrier.arrive.shared.b64 %x, [bar]; mbarrier.pending_count.b64 %c, %x; st.global.u32 [%o], %c;
        mbarrier.arrive.noComplete.shared.b64 %y, [bar], 1; mbarrier.pending_count.b64 %c, %y; st.global.u32 [%o+4], %c;
        mbarrier.test_wait.shared.b64 %q, [bar], %x; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+8], %c;
        mbarrier.arrive_drop.shared.b64 %y, [bar];
        mbarrier.test_wait.shared.b64 %q, [bar], %x; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+12], %c;
        mbarrier.test_wait.parity.shared.b64 %q, [bar], 1; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+16], %c;
        mbarrier.test_wait.parity.shared.b64 %q, [bar], 0; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+20], %c;
        mbarrier.arrive.shared.b64 %x, [bar], 2;
        mbarrier.test_wait.parity.shared.b64 %q, [bar], 1; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+24], %c;
        mbarrier.test_wait.parity.shared.b64 %q, [bar], 0; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+28], %c;
        mbarrier.pending_count.b64 %c, %x; st.global.u32 [%o+32], %c;
        mbarrier.inval.shared.b64 [bar];""", target=TARGET)
    raw("hopper", "mbarrier_bytes", "9.7.13.15 mbarrier", 1, [], [("u32", [0, 0, 1])], """
        .shared .align 8 .b64 bar;
        .reg .b64 %o; .reg .b32 %c; .reg .pred %q;
        ld.param.u64 %o, [out0];
        mbarrier.init.shared.b64 [bar], 1;
        mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [bar], 100;
        mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], 28;
        mbarrier.test_wait.parity.shared.b64 %q, [bar], 0; selp.u32 %c, 1, 0, %q; st.global.u32 [%o], %c;
        mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [bar], 64;
        mbarrier.test_wait.parity.shared.b64 %q, [bar], 0; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+4], %c;
        mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [bar], 64;
        mbarrier.try_wait.parity.shared.b64 %q, [bar], 0; selp.u32 %c, 1, 0, %q; st.global.u32 [%o+8], %c;""", target=TARGET)
    numbers = [3 * i + 1 for i in range(32)]
    for counted in ("", ".noinc"):
        arrivals = 32 if counted else 1
        release = "" if counted else "setp.eq.u32 %q, %t, 0; @%q mbarrier.arrive.shared.b64 _, [bar];"
        raw("hopper", f"cp_async_mbarrier{counted[1:]}", "9.7.13.15.17 cp.async.mbarrier.arrive", 32, [("u32", numbers)],
            [("u32", numbers[::-1])], f"""
            .shared .align 8 .b64 bar; .shared .align 16 .b8 room[128];
            .reg .b64 %g; .reg .b32 %s, %v; .reg .pred %q;
            mov.u32 %s, room; mad.lo.u32 %s, %t, 4, %s;
            setp.eq.u32 %q, %t, 0; @%q mbarrier.init.shared.b64 [bar], {arrivals}; bar.sync 0;
            ld.param.u64 %g, [in0]; mad.lo.u64 %g, %i, 4, %g;
            cp.async.ca.shared.global [%s], [%g], 4;
            cp.async.mbarrier.arrive{counted}.shared.b64 [bar];
            bar.warp.sync -1;
            {release}
            W: mbarrier.try_wait.parity.shared.b64 %q, [bar], 0; @!%q bra W;
            mov.u32 %s, room; sub.u32 %v, 31, %t; mad.lo.u32 %s, %v, 4, %s; ld.shared.u32 %v, [%s];
            ld.param.u64 %p, [out0]; mad.lo.u64 %p, %i, 4, %p; st.global.u32 [%p], %v;""", target=TARGET)


def clusters():
    names = ["clusterid.x", "nclusterid.x", "cluster_ctaid.x", "cluster_ctarank", "cluster_nctaid.x", "cluster_nctarank"]
    want = [v for block in range(4) for v in (block // 2, 2, block % 2, block % 2, 2, 2, block % 2, block % 2 + 100)]
    reads = "\n".join(f"    mov.u32 %c, %{n}; st.global.u32 [%o+{4 * i}], %c;" for i, n in enumerate(names))
    lines = f"""// section: 10.11 %clusterid, 9.7.9.23 mapa, 9.7.9.24 getctarank, 9.7.13.4 barrier.cluster
// launch: 4 1
// out0: u32 {" ".join(map(str, want))}

.version 8.7
.target {TARGET}
.address_size 64

.visible .entry test(.param .u64 out0) .reqnctapercluster 2, 1, 1
{{
    .shared .align 4 .b32 word;
    .reg .b64 %o, %a; .reg .b32 %c, %m, %r;
    ld.param.u64 %o, [out0]; mov.u32 %c, %ctaid.x; mul.wide.u32 %a, %c, 32; add.u64 %o, %o, %a;
{reads}
    mov.u32 %r, %cluster_ctarank; mov.u32 %c, word; mapa.shared::cluster.u32 %m, %c, %r;
    getctarank.shared::cluster.u32 %c, %m; st.global.u32 [%o+24], %c;
    // each block adds to the other's word
    mov.u64 %a, word; cvta.shared.u64 %a, %a; st.shared.u32 [word], 99;
    barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;
    .reg .pred %q; mov.pred %q, %is_explicit_cluster; @!%q trap;
    xor.b32 %m, %r, 1; mapa.u64 %a, %a, %m; getctarank.u64 %c, %a; add.u32 %c, %c, %r; red.add.u32 [%a], %c;
    barrier.cluster.arrive.release; barrier.cluster.wait.acquire;
    ld.shared.u32 %c, [word]; add.u32 %c, %c, %r; st.global.u32 [%o+28], %c;
    ret;
}}
"""
    write("hopper", "cluster", [lines])
    # each block sends to the other: four words, two doublewords, one of each; 44 bytes in all
    want = [v for other in (1, 0) for v in (other + 1, other + 2, other + 3, other + 4, other + 5, 7, other + 6, 0xFFFFFFFF,
                                            other + 7, other + 8, 0)]
    lines = f"""// section: 9.7.9.12 st.async
// launch: 2 1
// out0: u32 {" ".join(map(str, want))}

.version 8.7
.target {TARGET}
.address_size 64

.visible .entry test(.param .u64 out0) .reqnctapercluster 2, 1, 1
{{
    .shared .align 8 .b64 bar; .shared .align 16 .b8 room[48];
    .reg .b64 %o, %a, %x, %y; .reg .b32 %r, %s, %b, %c, %v<9>; .reg .pred %q;
    mbarrier.init.shared.b64 [bar], 1; fence.mbarrier_init.release.cluster;
    mbarrier.arrive.expect_tx.shared.b64 _, [bar], 44;
    barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;
    mov.u32 %r, %cluster_ctarank; xor.b32 %c, %r, 1;
    mov.u32 %s, room; mapa.shared::cluster.u32 %s, %s, %c; mov.u32 %b, bar; mapa.shared::cluster.u32 %b, %b, %c;
    add.u32 %v1, %r, 1; add.u32 %v2, %r, 2; add.u32 %v3, %r, 3; add.u32 %v4, %r, 4;
    add.u32 %v5, %r, 5; add.u32 %v6, %r, 6; add.u32 %v7, %r, 7; add.u32 %v8, %r, 8;
    st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%s], {{%v1, %v2, %v3, %v4}}, [%b];
    mov.b64 %x, {{%v5, 7}}; mov.b64 %y, {{%v6, -1}};
    st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.u64 [%s+16], {{%x, %y}}, [%b];
    st.async.shared::cluster.mbarrier::complete_tx::bytes.s32 [%s+32], %v7, [%b];
    cvt.u64.u32 %x, %v8;
    st.async.shared::cluster.mbarrier::complete_tx::bytes.b64 [%s+40], %x, [%b];
    W: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %q, [bar], 0; @!%q bra W;
    ld.param.u64 %o, [out0]; mul.wide.u32 %a, %r, 44; add.u64 %o, %o, %a;
    mov.u32 %c, 0;
    L: mov.u32 %s, room; add.u32 %s, %s, %c; setp.ge.u32 %q, %c, 36; @%q add.u32 %s, %s, 4; ld.shared.u32 %v1, [%s];
    st.global.u32 [%o], %v1; add.u64 %o, %o, 4; add.u32 %c, %c, 4; setp.lt.u32 %q, %c, 44; @%q bra L;
    barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;
    ret;
}}
"""
    write("hopper", "st_async", [lines])


def bulk():
    numbers = list(range(1000, 1128))
    for name, op, want in (("", "", numbers[:64]), ("_add", ".add.u32", [v + 0xa5a5a5a5 & 0xFFFFFFFF for v in numbers[:64]])):
        form = "cp.reduce.async.bulk" if op else "cp.async.bulk"
        raw("hopper", f"bulk_round_trip{name}", "9.7.9.25.5 cp.async.bulk", 1, [("u32", numbers)], [("u32", want)], f"""
            .shared .align 8 .b64 bar; .shared .align 16 .b8 room[256];
            .reg .b64 %g; .reg .b32 %s; .reg .pred %q;
            mbarrier.init.shared.b64 [bar], 1; fence.proxy.async;
            ld.param.u64 %g, [in0]; mov.u32 %s, room;
            cp.async.bulk.prefetch.L2.global [%g], 256;
            mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], 256;
            cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%s], [%g], 128, [bar];
            cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%s+128], [%g+128], 128, [bar];
            W: mbarrier.try_wait.parity.shared.b64 %q, [bar], 0; @!%q bra W;
            ld.param.u64 %p, [out0];
            {form}.global.shared::cta.bulk_group{op} [%p], [%s], 256;
            cp.async.bulk.commit_group;
            cp.async.bulk.wait_group 0;""", target=TARGET)
    raw("hopper", "elect", "9.7.13.16 elect.sync", 32, [], [("u32", [1] + [0] * 31)], """
        .reg .b32 %c; .reg .pred %q;
        griddepcontrol.wait;
        elect.sync %c|%q, 0xffffffff;
        selp.u32 %c, 1, 0, %q;
        griddepcontrol.launch_dependents;
        ld.param.u64 %p, [out0]; mad.lo.u64 %p, %i, 4, %p; st.global.u32 [%p], %c;""", target=TARGET)


def hopper():
    wgmmas()
    barriers()
    clusters()
    bulk()
