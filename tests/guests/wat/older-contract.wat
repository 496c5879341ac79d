;; A component for version 0.0.9 of the contract, which no host knows.
(component
  (core module $m
    (func (export "describe")))
  (core instance $i (instantiate $m))
  (func $describe (canon lift (core func $i "describe")))
  (instance $behaviour (export "describe" (func $describe)))
  (export "parlor:bot/behaviour@0.0.9" (instance $behaviour)))
