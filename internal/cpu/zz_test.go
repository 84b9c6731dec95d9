package cpu
import ("testing";"time";"fmt";"sort")
func TestZZPack(t *testing.T){
	k:=kernelSet(false)
	for _, r := range resnet32[1:] { for _, b := range []bool{false,true}{
		op := k.newConv(r.g, r.c, r.o); if b { op=k.newConvGradInput(r.g,r.c,r.o)}
		w:=make([]float32, r.o*r.c*9)
		var ts, td []float64
		for range 200 { s:=time.Now(); op.pack(w); ts=append(ts,float64(time.Since(s)));
		 if wc,ok:=op.(*winoConv);ok { s=time.Now(); wc.direct.pack(w); td=append(td,float64(time.Since(s))) } else {td=append(td,0)} }
		sort.Float64s(ts);sort.Float64s(td)
		fmt.Println(r.name,b,ts[100]/1e3,"us, direct", td[100]/1e3)
	}}
}
