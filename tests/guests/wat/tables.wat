;; Grows a table until it is refused, while it is being instantiated; then it traps, so that a host that
;; never refuses is found out by its memory and one that refuses by the trap. No Rust compiles to
;; `table.grow`. It exports nothing: instantiate it under the limits of a plugin.
(component
  (core module $m
    (table $t 1 funcref)
    (func $grow
      (loop $again
        (br_if $again
          (i32.ne
            (table.grow $t (ref.null func) (i32.const 10000))
            (i32.const -1))))
      unreachable)
    (start $grow))
  (core instance (instantiate $m)))
