module gatepass

go 1.19
