;; Reads decimals of a JSON list as float32. What is compiled of it stands in float32-kernel.ts, which write-kernel.ts writes.
(module
  ;; 0: 10^0 to 10^15 as f64. 128: the same as i64. 256: where a caller may put its own.
  (memory (export "memory") 1)
  ;; Where reading stopped: behind the bracket that ends the list, or at a number that is none of the common ones.
  (global $stopped (export "stopped") (mut i32) (i32.const 0))

  (func (export "setTable") (local $i i32) (local $power i64)
    (local.set $power (i64.const 1))
    (loop $next
      (f64.store (local.get $i) (f64.convert_i64_u (local.get $power)))
      (i64.store offset=128 (local.get $i) (local.get $power))
      (local.set $power (i64.mul (local.get $power) (i64.const 10)))
      (local.set $i (i32.add (local.get $i) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 128)))))

  ;; Reads from $at on, writes to $out, and returns where the next one would be written. A number is a common one if it has 17 digits at
  ;; the most, whose integer is 2^53 at the most, 15 of them decimals, no exponent, and a comma or the end of the list right behind it.
  (func (export "read") (param $at i32) (param $out i32) (result i32)
    (local $begin i32) (local $first i32) (local $isNegative i32) (local $byte i32) (local $decimals i32)
    (local $digits i64) (local $value f64) (local $text v128)
    (block $stop
      (loop $next
        (local.set $begin (local.get $at))
        (local.set $isNegative (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2d)))
        (local.set $first (local.tee $at (i32.add (local.get $at) (local.get $isNegative))))

        ;; In front of the dot there is one digit most of the time. Bytes are taken as digits by subtracting "0".
        (local.set $byte (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
        (br_if $stop (i32.gt_u (local.get $byte) (i32.const 9)))
        (local.set $digits (i64.const 0))
        (loop $whole
          (local.set $digits
            (i64.add (i64.mul (local.get $digits) (i64.const 10)) (i64.extend_i32_u (local.get $byte))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $byte (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
          (br_if $whole (i32.le_u (local.get $byte) (i32.const 9))))
        ;; 01 is no JSON.
        (br_if $stop
          (i32.and
            (i32.gt_u (i32.sub (local.get $at) (local.get $first)) (i32.const 1))
            (i32.eq (i32.load8_u (local.get $first)) (i32.const 0x30))))

        (local.set $decimals (i32.const 0))
        (if (i32.eq (local.get $byte) (i32.const -2))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            ;; Sixteen bytes at once, however many of them are digits: no processor foresees how many.
            (local.set $text
              (v128.xor (v128.load align=1 (local.get $at)) (v128.const i32x4 0x30303030 0x30303030 0x30303030 0x30303030)))
            (local.set $decimals
              (i32.ctz
                (i32.or
                  (i8x16.bitmask
                    (i8x16.gt_u (local.get $text) (v128.const i8x16 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9)))
                  (i32.const 0x10000))))
            (br_if $stop (i32.gt_u (i32.sub (local.get $decimals) (i32.const 1)) (i32.const 14)))
            (local.set $at (i32.add (local.get $at) (local.get $decimals)))
            ;; The digits to the right, zeros in front of them: places below 0 give 0.
            (local.set $text
              (i8x16.swizzle
                (local.get $text)
                (i8x16.sub
                  (i8x16.splat (local.get $decimals))
                  (v128.const i8x16 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1))))
            ;; Two digits each, the first in the lower byte; then four, then eight.
            (local.set $text
              (i16x8.add
                (i16x8.mul
                  (v128.and (local.get $text) (v128.const i32x4 0x00ff00ff 0x00ff00ff 0x00ff00ff 0x00ff00ff))
                  (v128.const i16x8 10 10 10 10 10 10 10 10))
                (i16x8.shr_u (local.get $text) (i32.const 8))))
            (local.set $text (i32x4.dot_i16x8_s (local.get $text) (v128.const i16x8 100 1 100 1 100 1 100 1)))
            (local.set $text
              (i32x4.dot_i16x8_s
                (i16x8.narrow_i32x4_s (local.get $text) (local.get $text))
                (v128.const i16x8 10000 1 10000 1 10000 1 10000 1)))
            (local.set $digits
              (i64.add
                (i64.mul (local.get $digits) (i64.load offset=128 (i32.shl (local.get $decimals) (i32.const 3))))
                (i64.add
                  (i64.mul (i64.extend_i32_u (i32x4.extract_lane 0 (local.get $text))) (i64.const 100000000))
                  (i64.extend_i32_u (i32x4.extract_lane 1 (local.get $text))))))))

        ;; Up to 18 bytes 64 bits hold the integer, and up to 2^53 a double does.
        (br_if $stop (i32.gt_u (i32.sub (local.get $at) (local.get $first)) (i32.const 18)))
        (br_if $stop (i64.gt_u (local.get $digits) (i64.const 0x20000000000000)))

        ;; Both are exact, so the quotient is the double that is nearest. As rounding keeps the order, and the middle of two float32 is a double,
        ;; the float32 nearest to it is that of the decimal, unless it is such a middle: then nobody knows on which side the decimal was.
        (local.set $value
          (f64.div (f64.convert_i64_u (local.get $digits)) (f64.load (i32.shl (local.get $decimals) (i32.const 3)))))
        (br_if $stop
          (i64.eq (i64.and (i64.reinterpret_f64 (local.get $value)) (i64.const 0x1fffffff)) (i64.const 0x10000000)))

        (local.set $byte (i32.load8_u (local.get $at)))
        (br_if $stop (i32.and (i32.ne (local.get $byte) (i32.const 0x2c)) (i32.ne (local.get $byte) (i32.const 0x5d))))
        (i32.store
          (local.get $out)
          (i32.or
            (i32.reinterpret_f32 (f32.demote_f64 (local.get $value)))
            (i32.shl (local.get $isNegative) (i32.const 31))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.eq (local.get $byte) (i32.const 0x2c)))
        (local.set $begin (local.get $at))))
    (global.set $stopped (local.get $begin))
    (local.get $out)))
